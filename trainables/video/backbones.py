"""Backbones: torchvision's networks by name, from prepared frames to the activations of one layer (protocol section 2)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cache
from types import ModuleType
from typing import Any, Literal
from urllib.error import URLError

import torch
from torch import Tensor, nn

from crescendo.trainables.errors import InputError
from crescendo.trainables.storage.files import user_path
from crescendo.trainables.video.weights import Weights, read_tuned, read_weights

Layer = Literal["fc6", "fc7", "pooled"]

# No linear layer at the end, or two more of them that only training uses.
_LEFT_OUT = ("squeezenet", "googlenet", "inception")


@dataclass(frozen=True)
class Preparation:
    """How a picture is prepared for a network, as torchvision's weights say.

    The short side is resized to `resize` pixels (`interpolation`, antialiased) and the centre square of `size` pixels
    is cut out. Values, scaled to 0 to 1, are standardised by `mean` and `std`, one of each for red, green and blue.
    """

    size: int = 224
    resize: int = 256
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    interpolation: str = "bilinear"

    def at(self, size: int) -> Preparation:
        """Return the preparation for squares of `size` pixels that show the same part of the picture."""
        return replace(self, size=size, resize=max(size, round(size * self.resize / self.size)))


class Backbone(nn.Module):
    """A network up to one of its layers; it standardises the frames itself, so that they travel as uint8.

    Attributes
    ----------
    preparation : Preparation
        How frames must be prepared.
    width : int
        Columns of the layer.
    fingerprint : str
        SHA-256 of the network's name, the layer, the preparation and all weights.
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self, network: nn.Module, name: str, layer: Layer, width: int, preparation: Preparation, following: Weights
    ) -> None:
        super().__init__()
        self.network, self.width, self.preparation = network, width, preparation
        self._following = following
        mean, scale = standardisation(preparation)
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)
        digest = hashlib.sha256(f"{name} {layer} {preparation}".encode())
        for key, tensor in sorted({**network.state_dict(), **following}.items()):
            digest.update(key.encode())
            digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
        self.fingerprint = digest.hexdigest()

    def forward(self, images: Tensor) -> Tensor:
        """Return the activations, (n, `width`) float32, of prepared frames, (n, 3, size, size) uint8."""
        values: Tensor = self.network((images.to(self.mean.dtype) - self.mean) * self.scale)
        return values.float()

    def fc7(self) -> tuple[Tensor, Tensor] | None:
        """Return weight (fc7 columns, `width`) and bias (fc7 columns,) of the layer after fc6; None for another."""
        return (self._following["weight"], self._following["bias"]) if self._following else None


def standardisation(preparation: Preparation) -> tuple[Tensor, Tensor]:
    """Return `mean` and `scale`, (3, 1, 1) each: (uint8 - mean) * scale is what the network expects."""
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (preparation.mean, preparation.std))
    return mean * 255, 1 / (std * 255)


@cache
def backbone_names() -> tuple[str, ...]:
    """Return the names of torchvision's classification networks that end in a linear layer."""
    models = _models()
    names = models.list_models(module=models)
    return tuple(sorted(name for name in names if not name.startswith(_LEFT_OUT)))


def load_backbone(
    name: str, weights: str, *, layer: str, labels: int | None = None, size: int | None = None
) -> Backbone:
    """Return the network `name` up to `layer`, ready for inference.

    Parameters
    ----------
    weights
        `imagenet`: torchvision's published weights (downloaded once). `none`: random weights, always the same. A file:
        .safetensors, or tensors saved by torch. A folder: a checkpoint of the fine-tuned `vgg19` trainable.
    layer
        `fc6` or `fc7`, each after its ReLU, of networks whose classifier has them (VGG, AlexNet); `pooled`, the input
        of the last linear layer, of any network.
    labels
        Number of outputs of the last layer, which is dropped in the end; default: as many as the weights have.
    size
        Side of the square the network is shown; default: the weights'.

    Raises
    ------
    InputError
        If a name is unknown, the network has no such layer, or the weights cannot be had or do not fit.
    """
    if layer not in ("fc6", "fc7", "pooled"):
        raise InputError(f"layer: must be fc6, fc7 or pooled but got {layer!r}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network, preparation = build_network(name, weights, labels, size)
    chosen: Layer = layer  # type: ignore[assignment]  # checked above
    width, following = _cut(network, name, chosen)
    backbone = Backbone(network, name, chosen, width, preparation, following)
    return backbone.eval().requires_grad_(False)


def build_network(
    name: str, weights: str, labels: int | None, size: int | None = None
) -> tuple[nn.Module, Preparation]:
    """Return torchvision's network `name` with a last layer of `labels` outputs, and how its frames are prepared.

    Where the weights have another number of labels, the last layer is drawn from torch's current random state; with
    weights `none`, all layers are. See `load_backbone`.

    Raises
    ------
    InputError
        As `load_backbone`.
    """
    preparation = preparation_of(name)
    if weights == "none":
        network = _named(name, labels or 1000)
    else:
        found, preparation = _found(name, weights, preparation, size)
        network = _filled(name, weights, found, labels)
    return network, preparation if size is None else preparation.at(size)


def _found(name: str, weights: str, preparation: Preparation, size: int | None) -> tuple[Weights, Preparation]:
    """Return the tensors of `weights`, and how frames are prepared for them: a checkpoint has its own preparation."""
    if weights == "imagenet":
        return _published(name), preparation
    path = user_path(weights)
    if not path.is_dir():
        if not path.exists() and path.suffix == "":
            raise InputError(f"weights: must be imagenet, none, or an existing file or folder but got {weights!r}")
        return read_weights(path), preparation
    network, others = read_tuned(path, name)
    side, resize = (int(number) for number in others["crop"])
    if size not in (None, side):
        raise InputError(f"{path}: was fine-tuned on squares of {side} pixels, not {size}; leave the size out")
    return network, replace(preparation, size=side, resize=resize)


def _published(name: str) -> Weights:
    weights = _models().get_model_weights(name).DEFAULT
    try:
        tensors: Weights = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (URLError, OSError, RuntimeError) as error:
        reason = getattr(error, "reason", error)
        raise InputError(
            f"weights: imagenet: {weights.url} could not be downloaded ({reason}); without a network, fetch that file "
            "elsewhere and pass it: --weights FILE, or for training --set weights=FILE"
        ) from error
    return tensors


def _filled(name: str, weights: str, found: Weights, labels: int | None) -> nn.Module:
    """Return the network with the tensors `found`, and with a new last layer if it has another number of `labels`."""
    with torch.device("meta"):
        network = _named(name, 1000)
    place, _ = _head(network)
    stored = found.get(f"{place}.weight")
    outputs = 1000 if stored is None else len(stored)
    _replace_head(network, outputs, "meta")
    own = network.state_dict()
    for key in sorted(own.keys() | found.keys()):
        ours = tuple(own[key].shape) if key in own else "none"
        theirs = tuple(found[key].shape) if key in found else "none"
        # Checkpoints of before torch 0.4 lack the counters of batch normalisation.
        if ours != theirs and not key.endswith("num_batches_tracked"):
            raise InputError(
                f"{weights}: does not fit the backbone {name}: {key} has shape {theirs}, expected {ours}; "
                "name the network these weights are of"
            )
    counters = {key: torch.zeros((), dtype=torch.long) for key in own if key.endswith("num_batches_tracked")}
    tensors = {key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in found.items()}
    network.load_state_dict({**counters, **tensors}, assign=True)
    if labels not in (None, outputs):
        _replace_head(network, labels or 0, "cpu")
    return network


def _cut(network: nn.Module, name: str, layer: Layer) -> tuple[int, Weights]:
    """Remove from `network` what follows `layer`; return the layer's width and, for fc6, the linear layer after it."""
    if layer == "pooled":
        place, head = _head(network)
        _set(network, place, nn.Identity())
        return head.in_features, {}
    classifier = getattr(network, "classifier", None)
    parts = list(classifier) if isinstance(classifier, nn.Sequential) else []
    linear = [part for part in parts if isinstance(part, nn.Linear)]
    if len(linear) != 3:
        raise InputError(f"layer: {name} has no {layer}, only VGG and AlexNet have; use --layer pooled")
    fc6, fc7, _ = linear
    last = fc6 if layer == "fc6" else fc7
    relu = next(number for number in range(parts.index(last), len(parts)) if isinstance(parts[number], nn.ReLU))
    network.classifier = nn.Sequential(*parts[: relu + 1])
    following = {"weight": fc7.weight.detach(), "bias": fc7.bias.detach()} if layer == "fc6" else {}
    return last.out_features, following


def _head(network: nn.Module) -> tuple[str, nn.Linear]:
    return [(place, part) for place, part in network.named_modules() if isinstance(part, nn.Linear)][-1]


def _replace_head(network: nn.Module, outputs: int, device: str) -> None:
    place, head = _head(network)
    if head.out_features != outputs:
        _set(network, place, nn.Linear(head.in_features, outputs, device=device))


def _set(network: nn.Module, place: str, part: nn.Module) -> None:
    parent, _, attribute = place.rpartition(".")
    setattr(network.get_submodule(parent), attribute, part)


def _named(name: str, labels: int) -> nn.Module:
    network: nn.Module = _models().get_model(name, weights=None, num_classes=labels)
    return network


def preparation_of(name: str) -> Preparation:
    """Return how frames are prepared for the network `name`; `InputError` if there is none of that name."""
    _check_name(name)
    transforms: Any = _models().get_model_weights(name).DEFAULT.transforms()
    return Preparation(
        size=transforms.crop_size[0],
        resize=transforms.resize_size[0],
        mean=tuple(transforms.mean),
        std=tuple(transforms.std),
        interpolation=transforms.interpolation.value,
    )


def _check_name(name: str) -> None:
    if name not in backbone_names():
        raise InputError(
            f"backbone: must be the name of a torchvision network such as vgg19 or resnet50 but got {name!r}"
        )


def _models() -> ModuleType:
    try:
        # It may be missing: it comes with the extra `video`.
        import torchvision
    except ImportError:
        raise InputError(
            "torchvision is not installed; video needs it: pip install 'crescendo-ablation[video]'"
        ) from None
    models: ModuleType = torchvision.models
    return models
