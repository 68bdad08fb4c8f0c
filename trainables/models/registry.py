"""Which models there are, and what the rest of the program knows of each before it is imported; no torch is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crescendo.trainables.registry import Registry

_NETWORK = frozenset({"backbone", "weights"})


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """What a model is, can do and does not use. A model of one's own has it as its class attribute `spec`.

    Attributes
    ----------
    target : str
        Of a built-in model: `module:class`, the subclass of `DetectionModel`, imported only when one is built.
    description : str
        One line, for lists of models.
    state : tuple of str
        Names of the tensors that the model carries from frame to frame; none: each frame is scored by itself.
    memory : tuple of str
        Those of `state` that `reset: memory` clears: the memory cells. A model without any has no such reset.
    unused : frozenset of str
        Training settings that change nothing in this model: no study may search them.
    pixels : bool
        Whether a frame is a picture, from a data set of pixels, and not a row of features. Such a model is trained to
        make features and is not exported as a detector.
    represents : bool
        Whether it shows what its last layer reads (`DetectionModel.represent`), as the loss `progress` needs.
    paper_row : str or None
        The rows of the paper's tables that it belongs to: `LSTM` (one a loss variant) or `CNN`.
    """

    target: str = ""
    description: str = ""
    state: tuple[str, ...] = ()
    memory: tuple[str, ...] = ()
    unused: frozenset[str] = _NETWORK
    pixels: bool = False
    represents: bool = False
    paper_row: str | None = None

    def __post_init__(self) -> None:
        if not set(self.memory) <= set(self.state):
            raise ValueError(f"memory must be among state ({', '.join(self.state)}) but got {self.memory!r}")

    @property
    def resets(self) -> tuple[str, ...]:
        """The allowed values of `reset`, the default first; all of them where there is no state to clear."""
        return ("memory", "state", "none") if self.memory or not self.state else ("state", "none")

    @property
    def remembers(self) -> bool:
        """Whether scores depend on `reset`."""
        return bool(self.state) and "reset" not in self.unused


def _own(found: Any) -> ModelSpec:
    spec = getattr(found, "spec", None)
    if not isinstance(found, type) or not isinstance(spec, ModelSpec):
        raise ValueError(f"must be a subclass of crescendo.trainables.models.base.DetectionModel but is {found!r:.80}")
    return spec


_MODELS = "crescendo.trainables.models"
LSTM = ModelSpec(
    target=f"{_MODELS}.lstm:LSTMDetector",
    description="the paper's LSTM",
    state=("hidden", "cell"),
    memory=("cell",),
    represents=True,
    paper_row="LSTM",
)
GRU = ModelSpec(
    target=f"{_MODELS}.gru:GRUDetector",
    description="a gated recurrent unit in its place",
    state=("hidden",),
    represents=True,
)
# The frame classifiers have the LSTM's state, empty: whoever runs exported steps feeds them all alike.
FRAME_CLASSIFIER = ModelSpec(
    target=f"{_MODELS}.frame_classifier:FrameClassifier",
    description="a softmax layer on each frame by itself, the paper's row CNN",
    state=LSTM.state,
    memory=LSTM.memory,
    unused=_NETWORK | {"hidden_size", "layers", "reset"},
    represents=True,
    paper_row="CNN",
)
FINE_TUNED = ModelSpec(
    target=f"{_MODELS}.finetuned_cnn:FineTunedNetwork",
    description="a torchvision network fine-tuned on single frames, as pixels",
    state=LSTM.state,
    memory=LSTM.memory,
    unused=frozenset({"hidden_size", "layers", "reset", "normalise", "dropout"}),
    pixels=True,
    paper_row="CNN",
)

MODELS: Registry[ModelSpec] = Registry(
    "model", {"lstm": LSTM, "gru": GRU, "cnn": FRAME_CLASSIFIER, "vgg19": FINE_TUNED}, _own
)
