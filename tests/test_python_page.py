"""docs/python.md, run as it stands."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "python.md"


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.tools
def test_the_page_runs_from_its_first_block_to_its_last(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    checks = "\nassert len(results.trials) == 4 and len(results.runs) == 2 * len(study.confirm.seeds)"
    checks += "\nassert set(results.differences['arm']) == {'variant=score'}"
    checks += "\nassert 'mAP/mean' in results.runs and results.trials['state'].eq('finished').all()"
    checks += "\nassert scores.shape == (len(features), len(dataset.labels))"
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks) + checks, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("room", ["trainables", "search_spaces", "reports", "platform.studies"])
def test_every_room_gives_what_it_lists(room):
    module = importlib.import_module(f"crescendo.{room}")
    for name in module.__all__:
        assert getattr(module, name).__module__.startswith("crescendo."), name
    with pytest.raises(AttributeError, match="no_such_name"):
        module.no_such_name  # noqa: B018
