"""A short run of the fuzzer; benchmarks/fuzz_reader.py runs a million inputs."""

from __future__ import annotations

from tests.library.fuzz import Fuzzer

INPUTS = 1500


def test_no_input_crashes_the_reader_and_the_diff() -> None:
    found = Fuzzer(seed=1).run(0, INPUTS)
    assert not found.crashes
    assert found.inputs == INPUTS
    assert found.read > INPUTS // 10  # the changes are not all refused at the door
    assert found.refused > INPUTS // 10
    assert found.compared == 2 * found.read


def test_an_input_is_the_same_each_time() -> None:
    first, second = Fuzzer(seed=3), Fuzzer(seed=3)
    for fuzzer in (first, second):
        fuzzer.run(0, 50)
    assert (first.found.read, first.found.refused) == (second.found.read, second.found.refused)
