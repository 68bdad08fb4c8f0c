import json
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crescendo.platform.tracking.journal import Journal
from crescendo.trainables.errors import InputError

records = st.lists(
    st.dictionaries(st.text(max_size=5), st.floats() | st.text(max_size=20), max_size=3).map(
        lambda record: {**record, "kind": "any"}
    ),
    max_size=8,
)


def texts(box: Journal, offset: int = 0) -> list[str]:
    return [json.dumps(record) for record, _ in box.read(offset)]


def filled(folder: Path, content: list[dict[str, object]]) -> None:
    box = Journal(folder)
    for record in content:
        box.append(record)
    box.close()


@given(content=records, data=st.data())
@settings(max_examples=50, deadline=None)
def test_journal_cut_at_any_byte_keeps_the_whole_records_and_takes_new_ones(content, data):
    with TemporaryDirectory() as folder:
        place = Path(folder)
        filled(place, content)
        journal = place / "journal.jsonl"
        cut = data.draw(st.integers(0, journal.stat().st_size))
        whole = journal.read_bytes()[:cut].count(b"\n")
        with journal.open("r+b") as file:
            file.truncate(cut)
        box = Journal(place)
        box.append({"kind": "new1"})
        assert texts(box) == [json.dumps(record) for record in [*content[:whole], {"kind": "new1"}]]
        box.close()


@given(content=records)
@settings(max_examples=25, deadline=None)
def test_reading_from_the_offset_after_a_record_yields_the_ones_behind_it(content):
    with TemporaryDirectory() as folder:
        filled(Path(folder), content)
        box = Journal(Path(folder))
        for number, (_, after) in enumerate(box.read()):
            assert texts(box, after) == [json.dumps(record) for record in content[number + 1 :]]
        box.close()


def test_long_half_line_is_taken_away(tmp_path):
    filled(tmp_path, [{"kind": "a1"}])
    with (tmp_path / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"b": "' + b"x" * 200_000)
    box = Journal(tmp_path)
    assert texts(box) == ['{"kind": "a1"}']
    box.close()


def test_line_lost_by_the_disk_costs_no_other(tmp_path):
    filled(tmp_path, [{"kind": "a1"}])
    with (tmp_path / "journal.jsonl").open("ab") as journal:
        journal.write(b"\0" * 30 + b"\n")
    box = Journal(tmp_path)
    box.append({"kind": "b2"})
    assert texts(box) == ['{"kind": "a1"}', '{"kind": "b2"}']
    assert len(box.damaged) == 1
    box.close()


def test_saved_content_comes_back_and_unreadable_content_is_empty(tmp_path):
    box = Journal(tmp_path)
    assert box.load("sent.json") == {}
    box.save("sent.json", {"local": 3})
    assert box.load("sent.json") == {"local": 3}
    (tmp_path / "sent.json").write_text("[1]")
    assert box.load("sent.json") == {}
    box.close()


def test_second_process_is_refused_until_the_first_ends(tmp_path):
    program = (
        "import sys; from pathlib import Path; "
        "from crescendo.platform.tracking.journal import Journal; Journal(Path(sys.argv[1]))"
    )
    box = Journal(tmp_path)
    refused = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "another process is writing this study's records" in refused.stderr
    box.close()
    subprocess.run([sys.executable, "-c", program, tmp_path], check=True)


def test_full_disk_leaves_the_journal_as_it_was(tmp_path):
    box = Journal(tmp_path)
    box.append({"kind": "a1"})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(InputError, match="free some space"):
            box.append({"kind": "x" * 5000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    box.append({"kind": "c3"})
    assert texts(box) == ['{"kind": "a1"}', '{"kind": "c3"}']
    box.close()


def test_a_record_begins_behind_a_line_alone(tmp_path):
    box = Journal(tmp_path)
    box.append({"kind": "a1"})
    assert [offset for offset in range(-1, box.end + 2) if box.begins(offset)] == [0, box.end]
    (tmp_path / "sent.json").write_text("[" * 100_000)
    assert box.load("sent.json") == {}
    box.close()
