"""Progress of work on frames: nothing of what is quick, then how far, at what rate, and how long the rest takes."""

import io

from rich.console import Console

from crescendo.platform.frame_progress import FrameProgress, frame_bar, with_progress
from crescendo.trainables.config import configuration
from crescendo.trainables.inference.scoring import score_recordings, score_spans, whole
from crescendo.trainables.training.trainer import Trainer


def test_where_there_is_no_terminal_a_line_comes_every_half_minute():
    screen, now = io.StringIO(), [0.0]
    console = Console(file=screen, width=60)
    progress = FrameProgress(console, "scoring the test split", frame_bar(console), lambda: now[0])
    for second in range(101):
        now[0] = float(second)
        progress(600 * second, 200_000)
    progress.close()
    lines = screen.getvalue().splitlines()
    assert lines[0] == "scoring the test split: 18,000 of 200,000 frames, 600 frames/s, 5:03 left"
    assert [line.split()[4] for line in lines] == ["18,000", "36,000", "54,000"]


def test_a_terminal_shows_a_bar_with_rate_and_time_left_that_goes_away():
    screen, now = io.StringIO(), [0.0]
    console = Console(file=screen, width=100, force_terminal=True)
    with frame_bar(console) as bar:
        progress = FrameProgress(console, "detecting in long.npy", bar, lambda: now[0])
        progress(10, 200_000)
        assert not bar.tasks
        now[0] = 10.0
        progress(5000, 200_000)
        bar.refresh()
        assert "detecting in long.npy" in screen.getvalue()
        assert "500 frames/s" in screen.getvalue()
        assert "5000/200000" in screen.getvalue()
        progress.close()
        assert not bar.tasks


def test_frames_that_are_counted_are_those_that_there_are():
    told = []
    assert list(with_progress(range(250), lambda done, total: told.append((done, total)), 250)) == list(range(250))
    assert told == [(100, 250), (200, 250)]


def test_scoring_tells_how_many_frames_are_done_and_changes_nothing(tiny_dataset):
    config = configuration({"hidden_size": 8, "sequences": 4, "sequence_length": 20, "threads": 1})
    trainer = Trainer(config, tiny_dataset)
    names, told = tiny_dataset.recordings("test"), []
    watched = score_recordings(trainer.model, tiny_dataset, names, "none", lambda *frames: told.append(frames))
    frames = sum(map(tiny_dataset.frames, names))
    assert told[-1] == (frames, frames)
    assert told == sorted(told)
    alone = score_spans(trainer.model, tiny_dataset, whole(tiny_dataset, names), "none")
    assert all((watched[name] == scores).all() for name, scores in zip(names, alone, strict=True))
