"""A node that gets into trouble while output/trouble.txt says so."""

import os
import time

import folder_paths
import torch


class ProbeTrouble:
    """Pictures as they come, unless the file names a trouble: `memory N` (N times), `hang`, `size` or `fail`."""

    INPUT_TYPES = classmethod(lambda cls: {"required": {"images": ("IMAGE",)}})
    RETURN_TYPES, FUNCTION, CATEGORY = ("IMAGE",), "hand_on", "test"
    IS_CHANGED = classmethod(lambda cls, images: time.time())

    def hand_on(self, images):
        path = os.path.join(folder_paths.get_output_directory(), "trouble.txt")
        what, _, left = _read(path).partition(" ")
        if what == "memory":
            os.remove(path)
            if int(left) > 1:
                with open(path, "w") as file:
                    file.write(f"memory {int(left) - 1}")
            raise torch.OutOfMemoryError("Allocation on device")
        if what == "fail":
            raise ValueError("no such luck")
        while what == "hang":
            time.sleep(0.1)
            what = _read(path)
        return (images[:, ::2] if what == "size" else images,)


def _read(path):
    try:
        with open(path) as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""
