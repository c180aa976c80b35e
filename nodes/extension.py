"""The list of nodes."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from ..host.banks import register_folders
from ..host.load import offer_example
from ..host.routes import register_routes
from .demo_model import DemoModel
from .determinism_guard import DeterminismGuard
from .diverse_seed_sampler import DiverseSeedSampler
from .golden_seed_picker import GoldenSeedPicker
from .inpaint_artifact_filter import InpaintArtifactFilter
from .labelled_grid import LabelledGrid
from .provenance_loader import ProvenanceLoader
from .provenance_saver import ProvenanceSaver
from .reproduction_check import ReproductionCheck
from .seed_noise import SeedNoise
from .seed_swap_grid import SeedSwapGrid
from .seed_swap_ksampler import SeedSwapKSampler
from .seed_swap_model import SeedSwapModel


class GoodSeedExtension(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        register_folders()
        register_routes()
        offer_example()
        return [
            DemoModel,
            DeterminismGuard,
            DiverseSeedSampler,
            GoldenSeedPicker,
            InpaintArtifactFilter,
            LabelledGrid,
            ProvenanceLoader,
            ProvenanceSaver,
            ReproductionCheck,
            SeedNoise,
            SeedSwapGrid,
            SeedSwapKSampler,
            SeedSwapModel,
        ]
