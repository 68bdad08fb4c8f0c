"""Which losses may stand beside cross entropy (protocol section 1).

The paper's ranking losses (Eqs. 7 to 15) differ in what they rank, and against what. Their rivals, and the controls that
could explain a gain of theirs, are each a term of its own (`losses.terms`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from crescendo.trainables.registry import Registry

Quantity = Literal["score", "margin"]
Reference = Literal["running_maximum", "previous_frame"]
MarginRivals = Literal["all", "activities"]

TERMS = {
    "linear_early": frozenset({"positions"}),
    "exponential": frozenset({"positions"}),
    "smoothing": frozenset({"looks_back"}),
    "weighted": frozenset[str](),
    "confident": frozenset[str](),
    "progress": frozenset({"positions", "predicts"}),
}
"""Functions of `losses.terms` -> what a `Term` of each has."""
_SETTINGS = {"exponential": ("exponential_seconds",)}
"""Functions of `losses.terms` that depend on settings -> these."""


@dataclass(frozen=True)
class Term:
    """A loss of every frame that ranks nothing, and what it is made of beside the scores and labels.

    Attributes
    ----------
    function
        Its name in `losses.terms`.
    positions
        Whether it needs to know how far the activity has gone (`data.run_positions`).
    predicts
        Whether it needs a head of the model that predicts how far the activity has gone.
    looks_back
        Whether it compares a frame with the one before.

    Raises
    ------
    ValueError
        If there is no such function, or it is made of something else (`TERMS`).
    """

    function: str
    positions: bool = False
    predicts: bool = False
    looks_back: bool = False

    def __post_init__(self) -> None:
        if self.function not in TERMS:
            raise ValueError(f"the function of a term must be one of {', '.join(TERMS)} but got {self.function!r}")
        for key in ("positions", "predicts", "looks_back"):
            wanted = key in TERMS[self.function]
            if getattr(self, key) != wanted:
                raise ValueError(f"{key} of the term {self.function} must be {wanted} but got {getattr(self, key)!r}")

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings that it depends on, beside those of every loss."""
        return _SETTINGS.get(self.function, ())


@dataclass(frozen=True)
class Variant:
    """A loss beside cross entropy: ranked quantities, a term, or a function of the user's own.

    A ranked quantity must not fall while an activity goes on, and must be low once it is over.

    Attributes
    ----------
    quantities
        What is ranked: the `score` p^y of a label y, its `margin` over the highest other score (Eq. 11), or both, whose
        losses are added.
    reference
        What a frame is compared with while its activity goes on: the `running_maximum` of the frames since it began
        (Eqs. 5 and 13), or the `previous_frame` (Eq. 9).
    description
        One line, for reports and lists of variants.
    paper_row
        The row of the paper's tables that reports it; None if there is none.
    function
        A loss of the user's own, in place of `quantities` and `reference`: `function(probabilities, labels, *,
        background, state)` returns R (batch, time) and a state; see `losses.custom`.
    margin_rivals
        The labels that a margin is taken over: `all` others, background among them, or the other `activities` (reading 4).
    term
        In place of `quantities`: a loss that ranks nothing; None if there is none.
    exponential_seconds
        f of `exponential`: this long before an activity ends, its frames weigh 1/e of the last one.
    """

    quantities: tuple[Quantity, ...] = ()
    reference: Reference = "running_maximum"
    description: str = ""
    paper_row: str | None = None
    function: Callable[..., Any] | None = None
    margin_rivals: MarginRivals = "all"
    term: Term | None = None
    exponential_seconds: float = 1.0

    def __post_init__(self) -> None:
        known = get_args(Quantity)
        if not all(one in known for one in self.quantities) or len(set(self.quantities)) < len(self.quantities):
            raise ValueError(f"quantities must be among {', '.join(known)}, each once, but got {self.quantities!r}")
        if self.reference not in get_args(Reference):
            raise ValueError(f"reference must be one of {', '.join(get_args(Reference))} but got {self.reference!r}")
        if self.margin_rivals not in get_args(MarginRivals):
            raise ValueError(
                f"margin_rivals must be one of {', '.join(get_args(MarginRivals))} but got {self.margin_rivals!r}"
            )
        if bool(self.quantities) + (self.function is not None) + (self.term is not None) > 1:
            raise ValueError(
                "a variant has either quantities or a function of its own or a term but got several of them"
            )
        if not self.exponential_seconds > 0:
            raise ValueError(f"exponential_seconds must be above 0 but got {self.exponential_seconds}")

    @property
    def ranks(self) -> bool:
        """Whether anything is added to cross entropy: if not, lambda_r has no effect."""
        return bool(self.quantities) or self.function is not None or self.term is not None

    @property
    def looks_back(self) -> bool:
        """Whether it compares a frame with earlier ones, as one's own may: a sequence of one frame has none."""
        return bool(self.quantities) or self.function is not None or (self.term is not None and self.term.looks_back)

    @property
    def needs_positions(self) -> bool:
        """Whether it needs to know how far the activity has gone at each frame."""
        return self.term is not None and self.term.positions

    @property
    def predicts(self) -> bool:
        """Whether the model needs a head that predicts how far the activity has gone."""
        return self.term is not None and self.term.predicts

    @property
    def among_activities(self) -> bool:
        """Whether it ranks margins over activities alone, of which there must then be two."""
        return "margin" in self.quantities and self.margin_rivals == "activities"

    def with_rivals(self, margin_rivals: MarginRivals) -> Variant:
        """Return the variant with these rivals; one that names `activities` itself keeps them."""
        return self if margin_rivals == "all" else replace(self, margin_rivals=margin_rivals)

    def with_seconds(self, exponential_seconds: float) -> Variant:
        """Return the variant with this f; where it is the default, one that names its own keeps it."""
        default = type(self).exponential_seconds
        return self if exponential_seconds == default else replace(self, exponential_seconds=exponential_seconds)


def _own(found: Any) -> Variant:
    if isinstance(found, Variant):
        return found
    if not callable(found):
        raise ValueError(f"must be a Variant or a function but is a {type(found).__name__}")
    # Only a function of somebody's own needs torch here; `--help`, and reading a study, must not wait for it.
    from crescendo.trainables.losses.custom import check_function

    check_function(found)
    return Variant(function=found)


CROSS_ENTROPY = "none"
VARIANTS: Registry[Variant] = Registry(
    "variant",
    {
        CROSS_ENTROPY: Variant(description="cross entropy alone", paper_row="LSTM"),
        "score": Variant(
            ("score",),
            description="the true label's score must not fall while its activity goes on, and must drop when it ends",
            paper_row="LSTM-s",
        ),
        "margin": Variant(
            ("margin",),
            description="the same of the margin between the true label's score and the highest other one",
            paper_row="LSTM-m",
        ),
        "combined": Variant(("score", "margin"), description="score and margin together"),
        "naive": Variant(
            ("score",), "previous_frame", description="as score, but compared with the previous frame only"
        ),
        "linear_early": Variant(
            term=Term("linear_early", positions=True),
            description="false positives cost more the further the activity has gone (Aliakbarian et al. 2017)",
        ),
        "exponential": Variant(
            term=Term("exponential", positions=True),
            description="an activity's frames weigh more in the cross entropy the nearer its end is (anticipation of "
            "accidents)",
        ),
        "smoothing": Variant(
            term=Term("smoothing", looks_back=True),
            description="no label's log probability may jump from frame to frame (Farha and Gall 2019): is it "
            "progression, or smoothness?",
        ),
        "weighted": Variant(
            term=Term("weighted"),
            description="cross entropy of an activity's frames once more: is it progression, or weight on activities?",
        ),
        "confident": Variant(
            term=Term("confident"),
            description="low entropy on an activity's frames: is it progression, or confidence?",
        ),
        "progress": Variant(
            term=Term("progress", positions=True, predicts=True),
            description="a head beside the labels predicts how far the activity has gone: progression told outright",
        ),
    },
    accept=_own,
)
