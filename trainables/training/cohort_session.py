"""Training sessions side by side: they train in one cohort, and each is validated when it is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Generic, Protocol, TypeVar

from crescendo.trainables.errors import DivergedError, InputError, NoRoomError
from crescendo.trainables.training.cohort import Cohort
from crescendo.trainables.training.room import room_for
from crescendo.trainables.training.shared_scores import SharedScores
from crescendo.trainables.training.trainer import Trainer
from crescendo.trainables.training.validation_report import ValidationReport


class MemberSession(Protocol):
    """What a cohort asks of a training session."""

    @property
    def trainer(self) -> Trainer:
        """What trains."""

    @property
    def stage_end(self) -> int:
        """The iteration of the next validation."""

    @property
    def measured(self) -> bool:
        """Whether it is trained, and its report measures it in every way."""

    def again(self) -> ValidationReport | None:
        """Return the last report before an interruption, once, if it may not have been heard."""

    def advanced(self, iteration: int, loss: float) -> None:
        """Take in that an iteration is done."""

    def trained(self, seconds: float) -> None:
        """Take in the training's share of what the cohort took."""

    def report(self, shared: SharedScores | None = None) -> ValidationReport:
        """Validate what has trained to the end of its stage, with scores that were found for several at once."""


Session = TypeVar("Session", bound=MemberSession)


class CohortSession(Generic[Session]):
    """Training sessions that go side by side, in one cohort.

    Attributes
    ----------
    sessions : list of sessions
        Those that go on. One that gives its last report, or diverges, leaves.
    cohort : Cohort
        Of their trainers.
    """

    def __init__(
        self,
        sessions: Sequence[Session],
        *,
        cohort: Cohort | None = None,
        turn: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        """Take up the sessions, wherever each of them is; `ValueError` if their trainers do not share their batches.

        Parameters
        ----------
        cohort
            Of the same trainers, from an earlier session; None: a new one.
        turn
            Entered while they train and left while they are validated and measured.
        """
        self.sessions = list(sessions)
        self.cohort = cohort or Cohort([session.trainer for session in sessions])
        self._turn = turn

    def leave(self, session: Session) -> None:
        """Go on without `session`."""
        self.sessions.remove(session)
        self.cohort.leave(session.trainer)

    def step(self) -> dict[Session, ValidationReport | InputError]:
        """Train to the next validation of one of them, and return the reports of those that are there.

        Those that diverged on the way, or cannot be measured, are among the answers, with their error, and have left.

        Raises
        ------
        NoRoomError
            If the device's memory does not hold all that they need now; they go on from their folders only.
        """
        outcomes: dict[Session, ValidationReport | InputError] = {}
        for session in self.sessions:
            if (report := session.again()) is not None:
                outcomes[session] = report
        if not outcomes:
            outcomes = self._train()
        for session, outcome in outcomes.items():
            if isinstance(outcome, DivergedError):
                self.sessions.remove(session)  # it has left the cohort already
            elif isinstance(outcome, InputError) or outcome.done:
                self.leave(session)
        return outcomes

    def _train(self) -> dict[Session, ValidationReport | InputError]:
        of_trainer: dict[Any, Session] = {session.trainer: session for session in self.sessions}
        until = min(session.stage_end for session in self.sessions)
        training = [session for session in self.sessions if session.trainer.iteration < until]
        began = time.monotonic()
        self.cohort.prepare(until)
        prepared = time.monotonic() - began
        with self._turn():
            began = time.monotonic() - prepared
            for session in self.sessions:
                session.trainer.begin_stage()
            diverged = self.cohort.train(until, lambda who, iteration, loss: of_trainer[who].advanced(iteration, loss))
            for session in training:
                session.trained((time.monotonic() - began) / len(training))
        outcomes: dict[Session, ValidationReport | InputError] = {
            of_trainer[member]: error for member, error in diverged.items()
        }
        arrived = [
            session
            for session in self.sessions
            if session not in outcomes and session.trainer.iteration == session.stage_end
        ]
        shared = SharedScores(
            [session.trainer for session in arrived], [session.trainer for session in arrived if session.measured]
        )
        for session in arrived:
            try:
                with room_for("the scoring of recordings", session.trainer.device, "hidden_size or fc7_size"):
                    outcomes[session] = session.report(shared)
            except NoRoomError:
                raise
            except InputError as error:
                outcomes[session] = error
        return outcomes
