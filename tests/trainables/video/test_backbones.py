"""Backbones: what they compute, where their weights come from, and what is refused."""

import os
import pickle
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from crescendo.trainables.errors import InputError
from crescendo.trainables.video.backbones import Preparation, backbone_names, build_network, load_backbone

SIZE = 64
TORCHVISION = torchvision.models


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.randint(0, 256, (3, 3, SIZE, SIZE), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[torch.nn.Module, Path]:
    """A network of 7 labels, and its weights as a file."""
    torch.manual_seed(3)
    network = TORCHVISION.shufflenet_v2_x0_5(weights=None, num_classes=7).eval()
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_file(network.state_dict(), path)
    return network, path


def standardised(images: torch.Tensor, name: str) -> torch.Tensor:
    """What torchvision's own transform makes of pictures of the right size."""
    transform = TORCHVISION.get_model_weights(name).DEFAULT.transforms(crop_size=SIZE, resize_size=SIZE)
    return transform(images)


def test_fc6_and_fc7_are_the_activations_after_relu(images: torch.Tensor, tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = TORCHVISION.alexnet(weights=None).eval()
    torch.save(network.state_dict(), tmp_path / "alexnet.pth")
    with torch.no_grad():
        before = network.avgpool(network.features(standardised(images, "alexnet"))).flatten(1)
        fc6 = network.classifier[1](before).relu()
        fc7 = network.classifier[4](fc6).relu()
    weights = str(tmp_path / "alexnet.pth")
    backbone = load_backbone("alexnet", weights, layer="fc6", size=SIZE)
    following = backbone.fc7()
    assert backbone.width == 4096
    assert following is not None
    torch.testing.assert_close(backbone(images), fc6, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(torch.nn.functional.linear(fc6, *following).relu(), fc7)
    last = load_backbone("alexnet", weights, layer="fc7", size=SIZE)
    torch.testing.assert_close(last(images), fc7, rtol=1e-4, atol=1e-6)
    assert last.fc7() is None
    assert last.fingerprint != backbone.fingerprint


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "swin_t", "densenet121"])
def test_pooled_is_the_input_of_the_last_layer(name: str, images: torch.Tensor) -> None:
    torch.manual_seed(2)
    network, preparation = build_network(name, "none", 5, SIZE)
    network.eval()
    head = [part for part in network.modules() if isinstance(part, torch.nn.Linear)][-1]
    backbone = load_backbone(name, "none", layer="pooled", size=SIZE)
    backbone.network.load_state_dict(
        {key: value for key, value in network.state_dict().items() if key in backbone.network.state_dict()}
    )
    with torch.no_grad():
        torch.testing.assert_close(head(backbone(images)), network(standardised(images, name)), rtol=1e-3, atol=1e-4)
    assert (head.out_features, backbone.width, preparation.size) == (5, head.in_features, SIZE)


def test_frames_are_prepared_as_torchvisions_weights_say() -> None:
    _, preparation = build_network("shufflenet_v2_x0_5", "none", 2)
    assert preparation == Preparation(224, 256, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "bilinear")
    _, preparation = build_network("efficientnet_b0", "none", 2)
    assert (preparation.size, preparation.resize, preparation.interpolation) == (224, 256, "bicubic")
    assert preparation.at(112) == Preparation(112, 128, preparation.mean, preparation.std, "bicubic")
    assert preparation.at(224) == preparation


def test_random_weights_are_always_the_same_and_leave_torchs_random_state_alone() -> None:
    state = torch.random.get_rng_state()
    one, other = (load_backbone("shufflenet_v2_x0_5", "none", layer="pooled") for _ in range(2))
    assert torch.equal(state, torch.random.get_rng_state())
    assert one.fingerprint == other.fingerprint
    assert not any(parameter.requires_grad for parameter in one.parameters())
    assert not one.training


def test_weights_of_any_kind_of_file_are_the_same(
    small: tuple[torch.nn.Module, Path], tmp_path: Path, images: torch.Tensor
) -> None:
    network, path = small
    torch.save({"state_dict": {f"module.{key}": one for key, one in network.state_dict().items()}}, tmp_path / "a.pth")
    torch.save(network.state_dict(), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    half = {key: one.half() if one.is_floating_point() else one for key, one in network.state_dict().items()}
    save_file(half, tmp_path / "half.safetensors")
    found = [
        load_backbone("shufflenet_v2_x0_5", str(file), layer="pooled", size=SIZE)
        for file in (path, tmp_path / "a.pth", tmp_path / "old.pt", tmp_path / "half.safetensors")
    ]
    assert found[0].fingerprint == found[1].fingerprint == found[2].fingerprint != found[3].fingerprint
    torch.testing.assert_close(found[3](images), found[0](images), rtol=0.05, atol=0.05)


def test_labels_of_their_own_get_a_fresh_last_layer(small: tuple[torch.nn.Module, Path]) -> None:
    network, path = small
    same, _ = build_network("shufflenet_v2_x0_5", str(path), 7)
    other, _ = build_network("shufflenet_v2_x0_5", str(path), 3)
    assert torch.equal(same.fc.weight, network.fc.weight)
    assert other.fc.weight.shape == (3, 1024)
    assert torch.equal(other.conv1[0].weight, network.conv1[0].weight)


class Bomb:
    """Runs a command when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return os.mkdir, (str(self.file),)


def test_pickle_with_code_is_refused_and_not_run(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(1), "extra": Bomb(tmp_path / "ran")}, tmp_path / "bomb.pth")
    (tmp_path / "plain.pkl").write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    for name in ("bomb.pth", "plain.pkl"):
        with pytest.raises(InputError, match=r"is no file of plain tensors .*can run any code") as caught:
            load_backbone("alexnet", str(tmp_path / name), layer="fc6")
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists()


def test_files_that_hold_no_weights(tmp_path: Path, small: tuple[torch.nn.Module, Path]) -> None:
    (tmp_path / "cut.safetensors").write_bytes(small[1].read_bytes()[:1000])
    torch.save(dict(small[0].state_dict()), tmp_path / "whole.pth")
    (tmp_path / "cut.pth").write_bytes((tmp_path / "whole.pth").read_bytes()[:5000])
    (tmp_path / "empty.pth").write_bytes(b"")
    torch.save([torch.zeros(2)], tmp_path / "list.pth")
    (tmp_path / "folder").mkdir()
    for name, rule in {
        "cut.safetensors": "not a complete file of weights",
        "cut.pth": "not a complete file of weights",
        "empty.pth": "not a complete file of weights",
        "list.pth": "must hold a state_dict",
        "missing.pth": "no such file",
        "folder": "holds no checkpoint",
    }.items():
        with pytest.raises(InputError, match=rule) as caught:
            load_backbone("shufflenet_v2_x0_5", str(tmp_path / name), layer="pooled")
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)


def test_what_is_asked_for_must_exist(small: tuple[torch.nn.Module, Path]) -> None:
    for arguments, rule in [
        (("vgg91", "none", "fc6"), "backbone: must be the name of a torchvision network .* but got 'vgg91'"),
        (("squeezenet1_0", "none", "pooled"), "backbone: must be"),
        (("shufflenet_v2_x0_5", "none", "fc6"), "shufflenet_v2_x0_5 has no fc6"),
        (("shufflenet_v2_x0_5", "none", "fc8"), "layer: must be fc6, fc7 or pooled but got 'fc8'"),
        (("shufflenet_v2_x0_5", "imagenett", "pooled"), "weights: must be imagenet, none, or an existing file"),
        (("resnet18", str(small[1]), "pooled"), "does not fit the backbone resnet18: bn1.bias has shape none"),
    ]:
        with pytest.raises(InputError, match=rule):
            load_backbone(*arguments[:2], layer=arguments[2])
    assert {"vgg19", "alexnet", "resnet50"} <= set(backbone_names())


def test_published_weights(
    small: tuple[torch.nn.Module, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no network the error says what to do; what was downloaded before is taken."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(InputError, match=r"could not be downloaded .*--weights FILE"):
        load_backbone("shufflenet_v2_x0_5", "imagenet", layer="pooled")
    torch.manual_seed(4)
    network = TORCHVISION.shufflenet_v2_x0_5(weights=None)
    url = TORCHVISION.get_model_weights("shufflenet_v2_x0_5").DEFAULT.url
    cached = tmp_path / "hub" / "checkpoints" / url.rpartition("/")[2]
    torch.save(network.state_dict(), cached)
    found, _ = build_network("shufflenet_v2_x0_5", "imagenet", None)
    assert torch.equal(found.fc.weight, network.fc.weight)
