"""What is odd about annotations."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crescendo.trainables.data.annotations import Annotations, Recording, Segment
from crescendo.trainables.data.findings import findings
from crescendo.trainables.data.part_faults import part_faults

RUN, JUMP = Segment("run", 1.0, 2.0), Segment("jump", 3.0, 4.0)
SOUND = {
    "a": Recording("training", 5.0, (RUN, JUMP)),
    "b": Recording("validation", 5.0, (RUN,)),
    "c": Recording("test", 5.0, (JUMP, RUN)),
}


@pytest.mark.parametrize(
    ("recordings", "expected"),
    [
        ({}, ()),
        ({"c": None}, ("there is no test part: nothing is tested",)),
        (
            {"c": Recording("test", 5.0, ())},
            (
                "the one test recording has no segment: nothing is tested",
                "1 recording holds no segment, all background: c",
            ),
        ),
        (
            {
                "c": Recording("test", 5.0, (Segment("background", 1.0, 2.0),)),
                "d": Recording("test", 5.0, (Segment("background", 1.0, 2.0),)),
            },
            ("none of the 2 test recordings has a segment: nothing is tested",),
        ),
        ({"b": None}, ("there is no validation part: no training can be validated",)),
        ({"a": None}, ("there is no training part: nothing can be trained",)),
        (
            {"a": Recording("training", 5.0, (RUN,))},
            ("1 label without a training segment, which cannot be learned (AP 0 where scored): jump (1 in test)",),
        ),
        (
            {
                "a": Recording(
                    "training", 5.0, (RUN, JUMP, *(Segment(one, 4.0, 4.5) for one in ("RUN", "Se\u0301", "s\u00e9")))
                )
            },
            (
                "labels that differ only in case or in how an accent is written: 'RUN' and 'run', 'Se\u0301' and 's\u00e9'; "
                "write them alike if they are one",
            ),
        ),
        (
            {"a": Recording("training", 5.0, (RUN, JUMP, *(Segment(one, 4.0, 4.5) for one in ("e\u0301", "\u00e9"))))},
            (
                "labels that differ only in case or in how an accent is written: 'e\\u0301' and '\\xe9'; write them alike if "
                "they are one",
            ),
        ),
        (
            {"a": Recording("training", 5.0, (RUN, JUMP, Segment("run", 2.5, 2.5)))},
            ("1 segment has no length: none is trained on, and no detection matches it: a [2.5, 2.5] run",),
        ),
        (
            {"a": Recording("training", 5.0, (RUN, JUMP, Segment("run", 2.5, 2.6)))},
            (
                "1 segment covers no frame's centre, too short or after the last frame, and none is trained on: "
                "a [2.5, 2.6] run",
            ),
        ),
        (
            {"a": Recording("training", 5.0, (RUN, JUMP, RUN, RUN))},
            ("1 segment is given more than once, and one detection matches only one of them: a [1, 2] run 3 times",),
        ),
        (
            {"c": Recording("test", 3.5, (JUMP, Segment("run", -0.25, 1.0)))},
            (
                "2 segments reach over the ends of the recording, by 0.5 s at most (kept as given): "
                "c [3, 4] jump, c [-0.25, 1] run",
            ),
        ),
    ],
)
def test_each_finding_is_counted_and_listed(recordings: dict[str, Recording | None], expected: tuple[str, ...]) -> None:
    together = {**SOUND, **recordings}
    assert findings(Annotations({name: one for name, one in together.items() if one is not None}), 4.0) == expected


def test_labels_that_are_not_scored_train_but_neither_validate_nor_test() -> None:
    unclear = {name: replace(one, segments=(Segment("Ambiguous", 1.0, 2.0),)) for name, one in SOUND.items()}
    assert part_faults(Annotations({**unclear, "d": SOUND["c"]}), 4.0, None, {"Ambiguous"}) == {
        "validation": "all validation segments are Ambiguous, which the protocol does not score: no training can be validated"
    }
    assert part_faults(Annotations(unclear), 4.0) == {}


def test_segments_after_the_last_frame_are_found() -> None:
    assert findings(Annotations(SOUND), 4.0, {"a": 14, "b": 20, "c": 20}) == ()
    assert findings(Annotations(SOUND), 4.0, {"a": 12, "b": 20, "c": 20}) == (
        "1 segment covers no frame's centre, too short or after the last frame, and none is trained on: a [3, 4] jump",
    )


def test_a_long_list_is_cut() -> None:
    more = {f"t{number}": Recording("test", 5.0, ()) for number in range(7)}
    assert findings(Annotations({**SOUND, **more}), 4.0) == (
        "7 recordings hold no segment, all background: t0, t1, t2, t3, t4 and 2 more",
    )
