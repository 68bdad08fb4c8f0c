"""Which ranking losses there are: what each of them ranks, and against what (protocol section 1; paper, Eqs. 7 to 15)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from crescendo.trainables.registry import Registry

Quantity = Literal["score", "margin"]
Reference = Literal["running_maximum", "previous_frame"]
MarginRivals = Literal["all", "activities"]


@dataclass(frozen=True)
class Variant:
    """A ranking loss: what must not fall while an activity goes on, and must be low once it is over.

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
    """

    quantities: tuple[Quantity, ...] = ()
    reference: Reference = "running_maximum"
    description: str = ""
    paper_row: str | None = None
    function: Callable[..., Any] | None = None
    margin_rivals: MarginRivals = "all"

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
        if self.quantities and self.function is not None:
            raise ValueError("a variant has either quantities or a function of its own but got both")

    @property
    def ranks(self) -> bool:
        """Whether there is a ranking loss at all: without one, lambda_r has no effect."""
        return bool(self.quantities) or self.function is not None

    @property
    def among_activities(self) -> bool:
        """Whether it ranks margins over activities alone, of which there must then be two."""
        return "margin" in self.quantities and self.margin_rivals == "activities"

    def with_rivals(self, margin_rivals: MarginRivals) -> Variant:
        """Return the variant with these rivals; one that names `activities` itself keeps them."""
        return self if margin_rivals == "all" else replace(self, margin_rivals=margin_rivals)


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
    },
    accept=_own,
)


def without_ranking() -> tuple[str, ...]:
    """Return the names of the variants that rank nothing."""
    return tuple(name for name, variant in VARIANTS.items() if not variant.ranks)
