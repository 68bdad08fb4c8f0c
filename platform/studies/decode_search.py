"""The inner search: which reset and merge gap decode a trained model's scores best, without training again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crescendo.search_spaces.arms import ArmDecode
from crescendo.search_spaces.schema.spaces import Choices, Range
from crescendo.trainables.training.job import DecodeValues

# Merge gaps tried by chance before TPE learns from them.
_STARTUP_GAPS = 10


@dataclass(frozen=True)
class DecodeSearch:
    """Tries merge gaps on the stored scores of each reset; sent to the worker that trained, so it must stay small.

    A space of at most `decode.trials` merge gaps is tried whole, all gaps in one call; a larger one is searched by an
    Optuna study of that many trials, seeded by `seed`, the start values first. Of equal ones the first reset and the
    smallest gap win.
    """

    decode: ArmDecode
    seed: int

    def __call__(self, values: DecodeValues) -> tuple[str, int]:
        """Return the best reset and merge gap; `values(reset, gaps)` gives the objective at each gap."""
        space = self.decode.merge_gap
        assert space is not None  # noqa: S101  # a study that was read whole has one
        tried = [
            (value, -number, -gap, reset)
            for number, reset in enumerate(self.decode.reset)
            for gap, value in self._gaps(values, reset, space)
        ]
        _, _, gap, reset = max(tried)
        return reset, -gap

    def _gaps(self, values: DecodeValues, reset: str, space: Range | Choices) -> Iterator[tuple[int, float]]:
        if space.size <= self.decode.trials:
            gaps = sorted(int(gap) for gap in space.values())
            yield from zip(gaps, values(reset, gaps), strict=True)
        else:
            yield from self._proposed(values, reset, space)

    def _proposed(self, values: DecodeValues, reset: str, space: Range | Choices) -> Iterator[tuple[int, float]]:
        # A second's import for the worker, which most studies have no need of.
        import optuna

        from crescendo.platform.studies.samplers import tpe

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(direction="maximize", sampler=tpe(self.seed, _STARTUP_GAPS, multivariate=True))
        for start in self._starts(reset):
            study.enqueue_trial({"merge_gap": start})
        for _ in range(self.decode.trials):
            trial = study.ask()
            if isinstance(space, Range):
                gap = trial.suggest_int(
                    "merge_gap", int(space.low), int(space.high), step=int(space.step or 1), log=space.log
                )
            else:
                gap = int(trial.suggest_categorical("merge_gap", space.choices))
            [value] = values(reset, [gap])
            study.tell(trial, value)
            yield gap, value

    def _starts(self, reset: str) -> Sequence[int]:
        return [
            int(start["merge_gap"])
            for start in self.decode.start
            if "merge_gap" in start and start.get("reset", reset) == reset
        ]
