"""Captures of CUDA graphs: what spoils one, and what one that fails leaves behind."""

import gc

import pytest
import torch

from crescendo.trainables.captures import LOOKS, capturing, without_looks

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
MIB = 2**20


@pytest.fixture
def numbers():
    return torch.arange(4.0, device="cuda")


def captured(numbers, meanwhile=lambda: None):
    """Return a graph that doubles `numbers`, and its result."""
    graph, stream = torch.cuda.CUDAGraph(), torch.cuda.Stream()
    with capturing(graph, stream):
        doubled = numbers * 2
        meanwhile()
    return graph, doubled


def test_an_older_graph_is_not_collected_as_garbage_in_a_capture(numbers):
    older = [captured(numbers)]
    older.append(older)
    held, before = [older], gc.get_threshold()
    del older

    def meanwhile():
        held.clear()
        gc.set_threshold(1, 1, 1)
        assert [[number] for number in range(1000)]

    try:
        graph, doubled = captured(numbers, meanwhile)
    finally:
        gc.set_threshold(*before)
    assert gc.isenabled()
    graph.replay()
    assert doubled.tolist() == [0, 2, 4, 6]


@pytest.mark.parametrize("fault", ["looks", "raises"])
def test_one_that_fails_leaves_the_stream_frees_memory_that_is_needed_and_draws_random_numbers(numbers, fault):
    def meanwhile():
        if fault == "raises":
            raise RuntimeError("not now")
        (numbers * 3).sum().item()

    stream = torch.cuda.current_stream()
    with pytest.raises(RuntimeError):
        captured(numbers, meanwhile)
    assert torch.cuda.current_stream() == stream
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    kept = torch.empty(512 * MIB, dtype=torch.uint8, device="cuda")
    del kept
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 256 * MIB) / total)
    try:
        # More than may be taken anew: what is kept must be given back for it.
        torch.empty(640 * MIB, dtype=torch.uint8, device="cuda")
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.manual_seed(3)
    drawn = torch.rand(4, device="cuda")
    torch.cuda.manual_seed(3)
    assert torch.equal(torch.rand(4, device="cuda"), drawn)
    graph, doubled = captured(numbers)
    graph.replay()
    assert doubled.tolist() == [0, 2, 4, 6]


def test_looks_are_found(numbers):
    with pytest.raises(RuntimeError, match=LOOKS), without_looks():
        numbers.max().item()
    with without_looks():
        numbers.max()
    assert numbers.max().item() == 3
