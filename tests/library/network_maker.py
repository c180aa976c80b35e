"""Small random weights of the true architectures, in files named and laid out as their servers offer them.

Class and key names are the real ones. Inception is whole; the others are narrower or shallower by their own
configuration (open_clip's and transformers').
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from goodseed.study.metrics.style import FirstLayers


def make_inception(folder: Path) -> Path:
    """Write torch-fidelity's Inception, all of its 24 million weights."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Untrained(FeatureExtractorInceptionV3):
        def load_state_dict(self, state: Any, **_: Any) -> Any:
            return None

    nothing = folder / "nothing.pth"
    torch.save({}, nothing)
    torch.manual_seed(0)
    network = Untrained("inception-v3-compat", ["2048"], feature_extractor_weights_path=str(nothing))
    nothing.unlink()
    state = network.state_dict()
    for name, value in state.items():
        if value.ndim == 4:  # He's initialisation, so that answers keep their size through all layers
            state[name] = torch.randn(value.shape) * (2 / value[0].numel()) ** 0.5
    path = folder / "weights-inception-2015-12-05-6726825d.pth"
    torch.save(state, path)
    return path


def make_vgg19(folder: Path, symmetric: bool = False, tail: bool = True) -> Path:
    """Write VGG19 with torchvision's keys; `symmetric` filters are their own mirror images."""
    torch.manual_seed(1)
    state = FirstLayers().state_dict()
    for name, value in state.items():
        if value.ndim == 4:
            value.normal_(std=(2 / (9 * value.shape[1])) ** 0.5)
            if symmetric:
                value.add_(value.flip(-1).clone()).div_(2)
        else:
            state[name] = torch.zeros_like(value)
    if tail:  # what the real checkpoint holds behind the layers that are read; shapes do not matter here
        state |= {"features.30.weight": torch.zeros(1), "classifier.0.weight": torch.zeros(1)}
    path = folder / "vgg19-dcbb9e9d.pth"
    torch.save(state, path)
    return path


def make_hps(folder: Path, name: str = "HPS_v2.1_compressed.pt") -> dict[str, Any]:
    """Write a narrow CLIP as a checkpoint of HPS v2, in float16 as there; return open_clip's configuration."""
    import open_clip

    config = open_clip.get_model_config("ViT-H-14")
    config["embed_dim"] = 32
    config["vision_cfg"] |= {"layers": 2, "width": 64, "head_width": 32}
    config["text_cfg"] |= {"layers": 2, "width": 32, "heads": 2}
    torch.manual_seed(len(name))  # v2 and v2.1 differ
    state = {key: value.half() for key, value in open_clip.CLIP(**config).state_dict().items()}
    torch.save({"epoch": 1, "name": "hps", "state_dict": state}, folder / name)
    return config


def make_clip(folder: Path, image_size: int, safetensors: bool) -> Path:
    """Write a narrow CLIP of transformers into `folder`, as `model.safetensors` or as `pytorch_model.bin`."""
    from transformers import CLIPConfig, CLIPModel

    narrow = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = CLIPConfig(
        text_config={**narrow, "vocab_size": 49408, "eos_token_id": 49407, "bos_token_id": 49406},
        vision_config={**narrow, "image_size": image_size, "patch_size": 14, "projection_dim": 768},
        projection_dim=768,
    )
    torch.manual_seed(3)
    return _save(CLIPModel(config), folder, safetensors)


def make_mask2former(folder: Path) -> Path:
    """Write a narrow Mask2Former on a narrow Swin, with COCO's number of kinds."""
    from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation, SwinConfig

    backbone = SwinConfig(
        embed_dim=12,
        depths=[1, 1, 1, 1],
        num_heads=[1, 2, 3, 4],
        window_size=7,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    config = Mask2FormerConfig(
        backbone_config=backbone,
        feature_size=32,
        mask_feature_size=32,
        hidden_dim=32,
        encoder_feedforward_dim=32,
        encoder_layers=1,
        decoder_layers=2,
        num_attention_heads=2,
        dim_feedforward=32,
        num_queries=8,
        num_labels=80,
    )
    torch.manual_seed(4)
    return _save(Mask2FormerForUniversalSegmentation(config), folder, True)


def make_depth(folder: Path) -> Path:
    """Write a narrow Depth Anything on a narrow DINOv2."""
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

    backbone = Dinov2Config(
        hidden_size=24,
        num_hidden_layers=4,
        num_attention_heads=2,
        mlp_ratio=2,
        image_size=518,
        patch_size=14,
        out_features=["stage1", "stage2", "stage3", "stage4"],
        apply_layernorm=True,
        reshape_hidden_states=False,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=24,
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        head_hidden_size=8,
    )
    torch.manual_seed(5)
    return _save(DepthAnythingForDepthEstimation(config), folder, True)


def _save(network: Any, folder: Path, safetensors: bool) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if safetensors:
        network.save_pretrained(folder)
    else:
        network.config.save_pretrained(folder)
        torch.save(network.state_dict(), folder / "pytorch_model.bin")
    return folder
