"""What `crescendo sweep` says as it ends."""

import io

from rich.console import Console
from trivial_study import trivial_study
from virtual_study import Virtual

from crescendo.platform.commands.sweep import _tell
from crescendo.platform.studies.runner import Sweep
from crescendo.platform.studies.screen import Screen
from crescendo.platform.studies.verdict import StudyVerdict
from crescendo.platform.tracking.sender import Backlog


def test_every_arm_has_its_answer_with_what_would_decide_it_in_80_columns(tmp_path):
    study = trivial_study(tmp_path, trials=1, changes=("ablate={variant: [none, score, margin]}",))
    arms = {
        "variant=score": "+2.1 points of mAP at IoU 0.5, 95 % interval +0.4 to +3.8: better than variant=none (p = 0.014).",
        "variant=margin": "undecided: +0.2 points of mAP at IoU 0.5, 95 % interval -1.9 to +2.3 (p = 0.970); with 9 seeds "
        "instead of 3, on 19 recordings, a difference of 1 point would be shown in four studies out of five.",
    }
    verdict = StudyVerdict("The baseline reaches 71.0 %.", {"variant=score": "better"}, arms)
    said = io.StringIO()
    run = Virtual(study, tmp_path / "output").play().run
    _tell(
        Sweep(run, verdict, False, "sqlite:///x", Backlog(0, 0, None)),
        tmp_path,
        Screen(Console(file=said, width=80), tmp_path / "log"),
        reported=True,
    )
    lines = said.getvalue().splitlines()
    told = ("The baseline", "variant=score: +2.1", "variant=margin: undecided")
    first, *others = (lines.index(next(line for line in lines if line.startswith(one))) for one in told)
    assert others == sorted(others)
    assert first < others[0]
    words = " ".join(said.getvalue().split())
    assert all(f"{arm}: {sentence}" in words for arm, sentence in arms.items())
    assert all(len(line) <= 80 for line in lines[first:] if "sqlite" not in line and "crescendo ui" not in line)
    assert "optimistic" in words
