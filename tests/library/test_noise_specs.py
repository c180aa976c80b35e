"""Noise specs: the CUDA generator's numbers on the CPU, and what each spec makes of a seed."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from goodseed.banks import make_bank
from goodseed.banks.match import mismatches
from goodseed.errors import BankError, NoiseError, SeedError
from goodseed.noise import (
    CARDS,
    Card,
    CudaGenerator,
    NoiseSpec,
    card_named,
    cards_differ,
    cpu_spec,
    cuda_spec,
    initial_noise,
    noise_fingerprint,
    same_on_every_card,
    step_stream,
)
from tests.library.bank_maker import sound_info, sound_tensors

ON_A_CARD = [
    -0.92466259, -0.42534415, -2.6438457, 0.14518388, -0.12086647, -0.57972564,
    -0.62285122, -0.32838709, -1.07454231, -0.36314407, -1.67105067, 2.26550497,
]  # fmt: skip
"""The first numbers of torch.randn(…, device="cuda") with seed 0."""
KNOWN_WORDS = [
    (0, 0, 0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (2**64 - 1, 2**64 - 1, 2**64 - 1, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (0x299F31D0A4093822, 0x85A308D3243F6A88, 0x0370734413198A2E, (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
]
"""Seed, block, thread and words of Philox4x32-10, from the known answers of its authors' Random123."""
TOLERANCE = {torch.float32: 2e-6, torch.float64: 1e-13, torch.float16: 4e-3, torch.bfloat16: 4e-2}
SEEDS = st.integers(0, 2**64 - 1)


def words_of(seed: int, block: int, thread: int) -> tuple[int, ...]:
    """Philox4x32-10 of one counter, written out."""
    c = [block & 0xFFFFFFFF, block >> 32, thread & 0xFFFFFFFF, thread >> 32]
    k = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & 0xFFFFFFFF, (a >> 32) ^ c[3] ^ k[1], a & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return tuple(c)


def normals_of(words: tuple[int, ...], double: bool) -> list[float]:
    """curand_normal4 or curand_normal2_double of one thread's words."""
    if double:
        u, v = ((words[i] ^ (words[i + 1] << 21)) * 2.0**-53 for i in (0, 2))
        pairs = [(u + 2.0**-54, (v * 2 + 2.0**-53) * math.pi)]
    else:
        step = float(np.float32(2 * math.pi * 2.0**-32))
        pairs = [
            (float(np.float32(x)) * 2.0**-32 + 2.0**-33, float(np.float32(y)) * step + step / 2)
            for x, y in (words[:2], words[2:])
        ]
    spread = [(math.sqrt(-2 * math.log(min(u, 1.0))), v) for u, v in pairs]
    return [s * function(v) for s, v in spread for function in (math.sin, math.cos)]


class SlowCard:
    """A CUDA card, thread by thread."""

    def __init__(self, seed: int, card: Card) -> None:
        self.seed, self.card, self.offset = seed, card, 0

    def randn(self, numel: int, double: bool) -> torch.Tensor:
        blocks = min(self.card.multiprocessors * (self.card.threads_per_multiprocessor // 256), -(-numel // 256))
        grid, unroll = 256 * blocks, 2 if double else 4
        out = torch.full((numel,), math.nan, dtype=torch.float64)
        rounds = (numel - 1) // (grid * unroll) + 1
        for thread in range(min(grid, numel)):
            for turn in range(rounds):
                numbers = normals_of(words_of(self.seed, self.offset // 4 + turn, thread), double)
                for i, number in enumerate(numbers):
                    place = thread + grid * (i + unroll * turn)
                    if place < numel:
                        out[place] = number
        self.offset += 4 * rounds
        return out


@pytest.mark.parametrize(("seed", "block", "thread", "words"), KNOWN_WORDS)
def test_the_model_of_these_tests_gives_the_known_answers(
    seed: int, block: int, thread: int, words: tuple[int, ...]
) -> None:
    assert words_of(seed, block, thread) == words


@pytest.mark.parametrize("shape", [(12,), (1, 4, 64, 64), (4, 4, 128, 128)])
def test_seed_0_begins_as_on_a_card(shape: tuple[int, ...]) -> None:
    first = CudaGenerator(0).randn(shape).flatten()[:12]
    assert (first - torch.tensor(ON_A_CARD)).abs().max() < 1e-6


@settings(max_examples=30, deadline=None)
@given(
    seed=SEEDS,
    multiprocessors=st.integers(1, 3),
    each=st.sampled_from([256, 512]),
    sizes=st.lists(st.integers(1, 3000), min_size=1, max_size=3),
    dtype=st.sampled_from(list(TOLERANCE)),
)
def test_every_number_lies_where_a_cards_threads_put_it_draw_after_draw(
    seed: int, multiprocessors: int, each: int, sizes: list[int], dtype: torch.dtype
) -> None:
    card = Card("small", multiprocessors, each)
    ours, model = CudaGenerator(seed, card), SlowCard(seed, card)
    for numel in sizes:
        drawn = ours.randn((numel,), dtype)
        assert drawn.dtype is dtype
        assert (drawn.double() - model.randn(numel, dtype is torch.float64)).abs().max() < TOLERANCE[dtype]
        assert ours.offset == model.offset


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, offset=st.integers(0, 2**62 - 1), thread=st.integers(0, 60_000))
def test_a_thread_far_up_and_an_offset_far_on_are_computed_alike(seed: int, offset: int, thread: int) -> None:
    generator = CudaGenerator(seed)
    generator.offset = 4 * offset
    drawn = generator.randn((60_001,))[thread]
    assert abs(float(drawn) - normals_of(words_of(seed, offset, thread), double=False)[0]) < 2e-6


def test_half_types_are_the_same_numbers_rounded() -> None:
    single = CudaGenerator(469).randn((4, 64, 64))
    for dtype in (torch.float16, torch.bfloat16):
        assert torch.equal(CudaGenerator(469).randn((4, 64, 64), dtype), single.to(dtype))


def test_skipping_a_draw_leads_to_the_next_one() -> None:
    card = Card("small", 1, 256)
    for dtype in (torch.float32, torch.float64):
        drawn, skipped = CudaGenerator(3, card), CudaGenerator(3, card)
        drawn.randn((3, 1000), dtype)
        skipped.skip((3, 1000), dtype)
        assert torch.equal(drawn.randn((9,)), skipped.randn((9,)))


def test_an_empty_draw_moves_nothing() -> None:
    generator = CudaGenerator(1)
    assert generator.randn((0, 4)).shape == (0, 4)
    assert generator.offset == 0


@settings(max_examples=60, deadline=None)
@given(
    numel=st.integers(1, 40_000),
    a=st.sampled_from([10, 20, 30]),
    b=st.sampled_from([10, 20, 30]),
    each=st.sampled_from([256, 512]),
)
def test_two_cards_differ_where_they_are_said_to_differ(numel: int, a: int, b: int, each: int) -> None:
    one, other = Card("a", a, 512), Card("b", b, each)
    same = torch.equal(CudaGenerator(7, one).randn((numel,)), CudaGenerator(7, other).randn((numel,)))
    assert same is not cards_differ((numel,), one, other)


def test_the_usual_latents_are_the_same_on_the_cards_that_the_documentation_names() -> None:
    assert same_on_every_card(4 * 64 * 64)
    assert not same_on_every_card(4 * 96 * 96)
    differing = {name for name in CARDS if cards_differ((4, 96, 96), CARDS[name], CARDS["RTX 4090"])}
    assert differing == {
        "GTX 1060 6GB",
        "GTX 1070",
        "GTX 1660",
        "GTX 1660 Ti",
        "RTX 2060",
        "RTX 2060 Super",
        "RTX 3050",
    }
    assert not cards_differ((4, 128, 128), CARDS["RTX 4070"], CARDS["H200"])
    assert cards_differ((4, 4, 128, 128), CARDS["RTX 4090"], CARDS["RTX 3090"])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA card")
def test_a_real_card_gives_the_same_numbers() -> None:
    facts = torch.cuda.get_device_properties(0)
    card = Card(facts.name, facts.multi_processor_count, facts.max_threads_per_multi_processor)
    sizes = [1, 12, 255, 257, 4 * 64 * 64, 4 * 96 * 96, 4 * 128 * 128, card.threads, card.threads + 1, 5 * card.threads]
    for i, numel in enumerate([*sizes, *(size + 3 for size in sizes)]):
        for dtype in (torch.float32, torch.float16, torch.float64):
            theirs = torch.Generator("cuda").manual_seed(469 + i * 2**33)
            ours = CudaGenerator(469 + i * 2**33, card)
            for size in (numel, 1000, numel):
                reference = torch.randn(size, generator=theirs, device="cuda", dtype=dtype).cpu().double()
                wide = {torch.float32: 5e-6, torch.float16: 4e-3, torch.float64: 1e-12}[dtype]
                assert (ours.randn((size,), dtype).double() - reference).abs().max() < wide, (numel, dtype)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_spec_comfy_is_one_draw_of_torch_on_the_cpu_and_cpu_the_same(seed: int) -> None:
    reference = torch.randn((1, 4, 16, 16), generator=torch.Generator().manual_seed(seed))[0]
    assert torch.equal(initial_noise(seed, NoiseSpec((4, 16, 16))), reference)
    assert torch.equal(initial_noise(seed, cpu_spec((4, 16, 16))), reference)
    assert torch.equal(initial_noise(seed, cpu_spec((4, 16, 16), "float16")), reference.half().float())


def test_spec_cuda_is_the_first_draw_of_the_cards_generator() -> None:
    for dtype in (torch.float32, torch.float16):
        spec = cuda_spec((4, 96, 96), "T4", str(dtype).removeprefix("torch."))
        drawn = CudaGenerator(469, CARDS["T4"]).randn((1, 4, 96, 96), dtype)[0]
        assert torch.equal(initial_noise(469, spec), drawn.float())


def test_of_a_batch_the_card_lays_out_the_whole() -> None:
    small, large = cuda_spec((4, 96, 96), "RTX 3060"), cuda_spec((4, 96, 96), "RTX 3060", batch=4)
    assert torch.equal(initial_noise(1, small), initial_noise(1, large))  # item 0 is each thread's first number
    assert initial_noise(1, cuda_spec((4, 128, 128), "RTX 2060", batch=2)).shape == (4, 128, 128)


def test_a_step_stream_begins_anew_or_goes_on_after_the_initial_draw() -> None:
    shape = (1, 4, 96, 96)
    for spec in ("cpu", "cuda"):
        whole = step_stream(5, spec, CARDS["RTX 2060"])
        first, second = whole.randn(shape), whole.randn(shape)
        assert not torch.equal(first, second)
        assert torch.equal(step_stream(5, spec, CARDS["RTX 2060"]).randn(shape), first)
        assert torch.equal(step_stream(5, spec, CARDS["RTX 2060"], after=[shape]).randn(shape), second)


def test_no_draw_touches_the_global_random_state() -> None:
    torch_state, numpy_state = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    for spec in (NoiseSpec((4, 8, 8)), cpu_spec((4, 8, 8)), cuda_spec((4, 8, 8))):
        initial_noise(3, spec)
    step_stream(1, "cpu").randn((5,))
    assert torch.equal(torch_state, torch.random.get_rng_state())
    assert np.array_equal(numpy_state, np.random.get_state()[1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: initial_noise(0, NoiseSpec((4, 8, 8), "gpu")),
            "noise: spec 'gpu' is not known; use one of comfy, cpu",
        ),
        (lambda: initial_noise(0, cpu_spec((4, 8, 8), "int8")), "noise: dtype 'int8' cannot be drawn; use one of"),
        (lambda: initial_noise(0, NoiseSpec((4, 8, 8), "cuda", card="Voodoo")), "card 'Voodoo': is not known; choose"),
        (lambda: card_named("Voodoo"), "card 'Voodoo': is not known; choose one of"),
        (lambda: step_stream(0, "comfy"), "noise: spec 'comfy' gives no stream; use one of cpu, cuda"),
        (lambda: CudaGenerator(0).randn((4,), torch.int32), "noise: dtype torch.int32 cannot be drawn"),
        (lambda: CudaGenerator(0).randn((-1, 4)), r"noise: shape \[-1, 4\] cannot be drawn"),
        (lambda: CudaGenerator(0).randn((2**30,)), "noise: shape .* cannot be drawn; use sizes of 0 or more, 2 GiB"),
        (lambda: CudaGenerator(2**64), "seed: 18446744073709551616 is outside"),
    ],
)
def test_what_cannot_be_drawn_is_one_clear_line(call: object, message: str) -> None:
    with pytest.raises((NoiseError, SeedError), match=f"^{message}") as caught:
        call()  # type: ignore[operator]
    assert "\n" not in str(caught.value)


def bank_of(spec: NoiseSpec) -> object:
    noise = {**spec.as_dict(), "fingerprint": noise_fingerprint(initial_noise(0, spec))}
    return make_bank(sound_tensors(), {**sound_info(), "noise": noise}, "mine")


def facts(spec: NoiseSpec) -> dict[str, object]:
    return {**spec.as_dict(), "fingerprint": noise_fingerprint(initial_noise(0, spec))}


SHAPE = (4, 16, 16)


def test_a_bank_of_cuda_noise_does_not_fit_comfyuis_noise_and_says_what_does() -> None:
    found = mismatches(bank_of(cuda_spec(SHAPE)), noise=facts(NoiseSpec(SHAPE)))
    assert found == [
        "The bank was measured with noise of spec cuda (drawn_in float32, card RTX 4090), not comfy; put its seeds "
        "into Seed Noise, set so."
    ]
    assert mismatches(bank_of(cuda_spec(SHAPE)), noise=facts(cuda_spec(SHAPE))) == []


def test_specs_that_give_the_same_bits_fit_each_other() -> None:
    assert mismatches(bank_of(cpu_spec(SHAPE)), noise=facts(NoiseSpec(SHAPE))) == []
    assert mismatches(bank_of(cuda_spec(SHAPE, "T4")), noise=cuda_spec(SHAPE, "H100")) == []


def test_a_card_matters_to_a_bank_where_the_latent_is_large() -> None:
    shape = (4, 160, 160)
    found = mismatches(bank_of(cuda_spec(shape, "T4")), noise=cuda_spec(shape, "H100"))
    assert found == ["The bank was measured with noise card T4, not H100."]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "gpu"}, "noise.name: 'gpu' is none of comfy, cpu, cuda"),
        ({"name": "cuda"}, "noise.card: is missing"),
        ({"name": "cuda", "card": 5}, "noise.card: 5 "),
    ],
)
def test_a_bank_names_its_spec_and_a_cuda_spec_its_card(change: dict[str, object], message: str) -> None:
    info = sound_info()
    info["noise"] = {**info["noise"], **change}
    with pytest.raises(BankError, match=message):
        make_bank(sound_tensors(), info, "mine")
