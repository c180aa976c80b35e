"""Errors that a user can mend. Each message is one line: what, where, how to mend it."""

from __future__ import annotations


class GoodSeedError(Exception):
    """Base of all errors caused by a user's input; the command turns it into exit code 2."""


class SeedError(GoodSeedError):
    """A seed or a range of seeds that cannot be used."""


class SwapError(GoodSeedError):
    """A seed swap at no step of a run, or two at the same."""


class PromptError(GoodSeedError):
    """A prompt or a prompts file that cannot be used."""


class BankError(GoodSeedError):
    """A seed bank that is damaged, unsound, unknown or too new."""


class ChoiceError(GoodSeedError):
    """A rule, metric, trait or count that a bank cannot answer."""


class MismatchError(GoodSeedError):
    """A bank used on a model, latent shape or noise spec that it was not measured on."""


class StudyError(GoodSeedError):
    """A study that cannot be started, continued or finished."""


class DamagedShardError(StudyError):
    """A shard of a study that is damaged; the study that it belongs to computes its cells again."""


class PlaceLostError(StudyError):
    """The place that a generator works at, such as a server, has gone; others take over, or it comes back."""


class GridError(GoodSeedError):
    """Images and labels that make no grid, or too large a one."""


class OutputError(GoodSeedError):
    """A file or folder that cannot be written."""


class WeightsError(GoodSeedError):
    """Model weights that are missing or do not fit."""


class MissingExtraError(GoodSeedError):
    """An optional package that is not installed; the message says which to install."""


class RecordError(GoodSeedError):
    """A record of an image that is damaged, edited, unknown or too new."""


class PinError(GoodSeedError):
    """A run that is not as the record says that it is pinned to."""


class ImageError(GoodSeedError):
    """An image that cannot be read: none, cut short, too large, or of a format that is not known."""


class ServerError(GoodSeedError):
    """A ComfyUI server that is down, busy or another program, or that cannot run a graph."""


class GraphRefusedError(ServerError):
    """A ComfyUI server that will not run a graph: a node, a file or a value in it is not there."""


class VerifyError(GoodSeedError):
    """An image that cannot be run again: its graph is missing, broken, or saves nothing."""


class NoiseError(GoodSeedError):
    """Noise that cannot be drawn as asked: an unknown spec, card, shape or dtype, or too few seeds."""


class ScanError(GoodSeedError):
    """Images, masks or seeds that do not fit each other, or in which no text can be looked for."""


class TooLargeError(GoodSeedError):
    """Something that is sent to the panel and over one of its limits."""


class BusyError(GoodSeedError):
    """Work that cannot be taken on beside what is being done already."""


class StoppedError(GoodSeedError):
    """A run that its user has stopped."""


class GraphError(GoodSeedError):
    """A graph in API format that cannot be compared: no JSON object of nodes, or one that saves no picture."""


class NameRefusedError(GoodSeedError):
    """A file's name, subfolder or folder that cannot be one."""


class NameTrespassError(GoodSeedError):
    """A name that leads out of ComfyUI's folders, or a question from another site."""


class MissingFileError(GoodSeedError):
    """A file, or a job, that is not there."""


class TooLongError(GoodSeedError):
    """Work that was not done in its time."""


class UploadError(GoodSeedError):
    """A form that was sent to the panel and is damaged, or lacks a part."""
