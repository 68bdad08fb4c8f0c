"""Whatever road a batch takes to the device, it is the sampler's."""

import numpy as np
import pytest
import torch

from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.dataset import DatasetMetadata, write_dataset
from crescendo.trainables.data.sampler import SequenceSampler
from crescendo.trainables.training import feed
from crescendo.trainables.training.feed import GatheredAhead, HostFeed, PinnedFeed, ResidentFeed, feed_for

ORDER = (0, 1, 2, 3, 4, 5, 63, 64, 65, 66, 2, 3, 200)
gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


@pytest.fixture(scope="module", params=["float32", "float16", "float32 and positions"])
def sampler(request, tmp_path_factory):
    """Of recordings shorter and longer than a sequence."""
    random, (kind, *positioned) = np.random.default_rng(4), request.param.split()
    frames = {"long": 90, "short": 7, "as long": 20, "one": 1}
    dataset = write_dataset(
        tmp_path_factory.mktemp("feed") / "data",
        DatasetMetadata("numbers", 1.0, "numbers", "made for the tests", "MIT"),
        Annotations(
            {
                name: Recording("training", float(n), (Segment("walk", n / 3, n / 2 + 0.5),))
                for name, n in frames.items()
            }
        ),
        frames=frames,
        features=[random.normal(size=(n, 5)).astype(kind) for n in frames.values()],
        feature_dim=5,
        dtype=kind,
    )
    return SequenceSampler(dataset, "training", sequences=6, length=20, seed=3, positioned=bool(positioned))


def same_as_sampler(sampler, found, iteration):
    batch = sampler.batch(iteration)
    expected = batch.features, batch.labels, batch.valid, *(batch.positions or ())
    for ours, theirs in zip((*found[:3], *(found.positions or ())), expected, strict=True):
        assert ours.cpu().numpy().dtype == theirs.dtype
        np.testing.assert_array_equal(ours.cpu().numpy(), theirs)


@pytest.mark.parametrize("kind", [HostFeed, ResidentFeed])
def test_batches_are_the_samplers_in_any_order(sampler, kind):
    road = HostFeed(sampler) if kind is HostFeed else ResidentFeed(sampler, torch.device("cpu"))
    for iteration in ORDER:
        same_as_sampler(sampler, road.load(iteration), iteration)


def test_batches_gathered_ahead_are_the_samplers(sampler):
    ahead = GatheredAhead(sampler, pinned=False)
    waited = []
    for iteration in ORDER:
        same_as_sampler(sampler, ahead.take(iteration), iteration)
        ahead.release(iteration, lambda iteration=iteration: waited.append(iteration))
    assert set(waited) <= set(ORDER)


@gpu
@pytest.mark.parametrize("kind", [ResidentFeed, PinnedFeed])
def test_on_a_gpu_they_lie_in_the_same_tensors_every_time(sampler, kind):
    road, places = kind(sampler, torch.device("cuda")), set()
    for iteration in ORDER:
        batch = road.load(iteration)
        places.add(tuple(tensor.data_ptr() for tensor in (*batch[:3], *(batch.positions or ()))))
        same_as_sampler(sampler, batch, iteration)
    assert len(places) == 1


@gpu
def test_what_the_gpu_has_no_room_for_stays_outside(sampler, monkeypatch):
    assert isinstance(feed_for(sampler, torch.device("cuda")), ResidentFeed)
    monkeypatch.setattr(feed, "_SHARE", 1e-9)
    assert isinstance(feed_for(sampler, torch.device("cuda")), PinnedFeed)


def test_on_a_cpu_nothing_is_copied_ahead(sampler):
    assert isinstance(feed_for(sampler, torch.device("cpu")), HostFeed)
