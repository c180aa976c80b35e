"""Samplers and nodes that hide randomness, as read in ComfyUI 0.3.64 and 0.33.0 and in the packs named."""

from __future__ import annotations

STREAM_SAMPLERS = frozenset(
    (
        "euler_ancestral", "euler_ancestral_cfg_pp", "dpm_2_ancestral", "dpmpp_2s_ancestral",
        "dpmpp_2s_ancestral_cfg_pp", "ddpm", "lcm", "res_multistep_ancestral", "res_multistep_ancestral_cfg_pp",
        "er_sde", "seeds_2", "seeds_3", "sa_solver", "sa_solver_pece", "exp_heun_2_x0_sde",
    )
)  # fmt: skip
"""Step noise from k_diffusion.sampling.default_noise_sampler: a generator on the latent's device."""

TREE_SAMPLERS = frozenset(("dpmpp_sde", "dpmpp_2m_sde", "dpmpp_2m_sde_heun", "dpmpp_3m_sde"))
"""Step noise from a Brownian tree on the CPU."""

GPU_TREE_SAMPLERS = frozenset(f"{name}_gpu" for name in TREE_SAMPLERS)
"""Step noise from a Brownian tree on the latent's device."""

QUIET_SAMPLERS = frozenset(
    (
        "euler", "euler_cfg_pp", "heun", "heunpp2", "exp_heun_2_x0", "dpm_2", "lms", "dpm_fast", "dpm_adaptive",
        "dpmpp_2m", "dpmpp_2m_cfg_pp", "ipndm", "ipndm_v", "deis", "res_multistep", "res_multistep_cfg_pp",
        "gradient_estimation", "gradient_estimation_cfg_pp", "uni_pc", "uni_pc_bh2", "ddim",
    )
)  # fmt: skip
"""No step noise, as KSampler calls them."""

STOCHASTIC_SIBLINGS = {
    "euler": ("euler_ancestral",),
    "euler_cfg_pp": ("euler_ancestral_cfg_pp",),
    "heun": ("dpm_2_ancestral", "exp_heun_2_x0_sde"),
    "heunpp2": ("dpm_2_ancestral", "exp_heun_2_x0_sde"),
    "exp_heun_2_x0": ("exp_heun_2_x0_sde",),
    "dpm_2": ("dpm_2_ancestral",),
    "dpm_fast": ("dpmpp_2s_ancestral",),
    "dpm_adaptive": ("dpmpp_sde",),
    "dpmpp_2m": ("dpmpp_2m_sde",),
    "dpmpp_2m_cfg_pp": ("dpmpp_2s_ancestral_cfg_pp",),
    "ipndm": ("res_multistep_ancestral",),
    "ipndm_v": ("res_multistep_ancestral",),
    "deis": ("res_multistep_ancestral", "dpmpp_3m_sde"),
    "res_multistep": ("res_multistep_ancestral",),
    "res_multistep_cfg_pp": ("res_multistep_ancestral_cfg_pp",),
    "gradient_estimation_cfg_pp": ("euler_ancestral_cfg_pp",),
    "uni_pc": ("sa_solver", "dpmpp_2m_sde"),
    "uni_pc_bh2": ("sa_solver", "dpmpp_2m_sde"),
    "ddim": ("ddpm", "euler_ancestral"),
}
"""For samplers without step noise those nearest to them that have it; euler_ancestral for all others."""

SAMPLER_NODES = {
    "SamplerEulerAncestral": "euler_ancestral",
    "SamplerEulerAncestralCFGPP": "euler_ancestral_cfg_pp",
    "SamplerDPMPP_2S_Ancestral": "dpmpp_2s_ancestral",
    "SamplerER_SDE": "er_sde",
    "SamplerSASolver": "sa_solver",
    "SamplerSEEDS2": "seeds_2",
    "SamplerDPMPP_SDE": "dpmpp_sde",
    "SamplerDPMPP_2M_SDE": "dpmpp_2m_sde",
    "SamplerDPMPP_3M_SDE": "dpmpp_3m_sde",
}
"""ComfyUI's nodes that make a SAMPLER of a fixed kind; `noise_device` gpu makes the *_gpu one of the last three."""

UNSEEDED_SAMPLER_NODES = frozenset(("SamplerLCMUpscale",))
"""Nodes whose sampler draws from the shared random state (comfy_extras/nodes_advanced_samplers.py)."""

UNSEEDED_IMAGE_NODES = frozenset(("LayerFilter: AddGrain", "LayerFilter: Film", "LayerFilter: FilmV2"))
"""Nodes that draw noise on an image with a seed taken from the clock (ComfyUI_LayerStyle)."""

NOISE_WORDS = ("grain", "noise", "dither", "glitch", "random", "jitter", "scatter", "sparkle")
"""Words in the class of a node that draws at random, unless it has a seed."""

CALM_WORDS = ("denoise", "noisereduction", "removenoise", "noiseremov", "randomnoise", "disablenoise", "emptynoise")
"""Words that hold one of NOISE_WORDS and mean something else."""

SEED_INPUTS = ("seed", "noise_seed", "random_seed", "rng_seed", "seed_num", "variation_seed")
AUTOMATIC = ("auto", "automatic", "autodetect", "auto-detect")
MACHINE_DEFAULTS = {"weight_dtype": "the dtype", "device": "the device"}
"""Inputs whose choice `default` leaves it to the machine."""

FAST_FLAGS = ("--fast",)
FP8_FLAGS = ("--fp8-e4m3fn-unet", "--fp8-e5m2-unet", "--fp8-e8m0fnu-unet")
