"""docs/extending.md, run as it stands: its files are written, its commands run, and one sweep has all of it.

A block of Python that begins with the name of a file is that file; other blocks of Python are run as they are. They and the
commands (`sh`) are run in the page's order, in one folder.
"""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from crescendo.reports import read_results
from crescendo.trainables.data.synthetic import synthesize

PAGE = Path(__file__).parents[1] / "docs" / "extending.md"
SECTIONS = dict(
    re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
)
LAST = "All in one study"
# Not `python -c` alone, which would find the files of the working folder by itself.
CRESCENDO = (sys.executable, "-P", "-c", "from crescendo.platform.cli import main; main()")
SMALL = {
    "hidden_size": 8,
    "sequences": 4,
    "sequence_length": 40,
    "iterations": 20,
    "evaluate_every": 10,
    "device": "cpu",
}
# The same for several commands, so that what takes seconds to import is imported once.
ONE_AFTER_THE_OTHER = """
import json, sys
from crescendo.platform.cli import main
for words in json.loads(sys.argv.pop()):
    sys.argv[1:] = words
    try:
        main()
    except SystemExit as ended:
        if ended.code:
            raise
"""
SEVERAL = (sys.executable, "-P", "-c", ONE_AFTER_THE_OTHER)
# What makes the page's commands quick.
QUICKER = {
    "train": [*(f"{key}={value}" for key, value in SMALL.items()), "threads=1"],
    "sweep": [*(f"base.{key}={value}" for key, value in SMALL.items()), "search.trials=1", "confirm.seeds=[0, 1]"],
}


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def write_files(folder: Path) -> Path:
    """Write every file of the page."""
    for language in ("python", "yaml"):
        for block in blocks(PAGE.read_text(encoding="utf-8"), language):
            if (name := re.match(r"# (\w+\.\w+)\n", block)) is not None:
                (folder / name[1]).write_text(block, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every file of the page."""
    return write_files(tmp_path_factory.mktemp("extending"))


def quicker(words: list[str]) -> list[str]:
    reported = ["--report"] if words[0] == "sweep" else []
    return [*words, *reported, *(word for change in QUICKER.get(words[0], ()) for word in ("--set", change))]


def crescendo(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return in_folder(folder, *CRESCENDO, *quicker(list(words)))


def in_folder(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=500, check=False)


def run_commands(folder: Path, block: str) -> str:
    """Run the last in a process of its own, where it has but what the others wrote, and those one after the other.

    Return what the others printed.
    """
    programs, words = zip(*((program, words) for program, *words in map(shlex.split, block.splitlines())), strict=True)
    assert set(programs) == {"crescendo"}
    *others, last = words
    printed = ""
    if others:
        done = in_folder(folder, *SEVERAL, json.dumps([quicker(one) for one in others]))
        assert done.returncode == 0, f"{block}\n{done.stderr}"
        printed = done.stdout + done.stderr
    done = crescendo(folder, *last)
    assert done.returncode == 0, f"{last}\n{done.stderr}"
    return printed


def run_python(folder: Path, block: str) -> None:
    script = "\n".join(("import sys; sys.path.append('.')", block))
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("section", [name for name in SECTIONS if name != LAST])
def test_the_commands_of_a_section_run_and_its_python_holds(workplace: Path, section: str) -> None:
    for language, block in re.findall(r"```(python|sh)\n(.*?)```", SECTIONS[section], flags=re.DOTALL):
        if language == "sh":
            run_commands(workplace, block)
        elif not re.match(r"# \w+\.py\n", block):
            run_python(workplace, block)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The output folder of the study that has everything of the page, reported."""
    folder = write_files(tmp_path_factory.mktemp("swept"))
    synthesize(folder / "data" / "mine")  # as the page's first command does
    printed = [run_commands(folder, block) for block in blocks(SECTIONS[LAST], "sh")]
    (folder / "printed.txt").write_text("".join(printed), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)  # what is read here is matched by the page's rule
        yield folder / "results" / "mine"


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.tools
def test_every_arm_is_searched_confirmed_and_reported_under_its_name(swept: Path) -> None:
    study = yaml.safe_load((swept.parents[1] / "mine.yaml").read_text(encoding="utf-8"))
    grid, named = study["ablate"]
    arms = {named["name"], *(f"variant={variant}" for variant in grid["grid"]["variant"])}
    results = read_results(swept, resamples=50, allow_plugin=True)
    assert set(results.trials["arm"]) == set(results.runs["arm"]) == arms
    assert results.trials["state"].eq("finished").all()
    assert (results.runs.groupby("arm").size() == 2).all()
    report = swept / "report"
    for name in ("report.html", "report.md"):
        text = (report / name).read_text(encoding="utf-8")
        assert all(arm in text for arm in arms), name
        assert study["base"]["protocol"] in text
    assert set(results.differences["arm"]) == arms - {"variant=none"}


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.tools
def test_the_sweep_wrote_its_report_while_it_ran_and_when_it_had_ended(swept: Path) -> None:
    page = (swept / "report" / "report.html").as_uri()
    printed = (swept.parents[1] / "printed.txt").read_text(encoding="utf-8").splitlines()
    assert f"report, written again as trials end: {page}" in printed
    assert f"report: {page}" in printed
    assert not any("report is not written" in line for line in printed)


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.tools
def test_a_confirmed_run_is_exported_and_detects(swept: Path, tmp_path: Path) -> None:
    """The model folder knows nothing of loss and matching rule: it works where their modules are not."""
    results = read_results(swept, resamples=50, allow_plugin=True)
    runs = results.runs[results.runs["arm"] == "variant=my_losses:squared_fall"]
    done = crescendo(tmp_path, "export", str(runs.iloc[0]["run_id"]), "model", "--study", str(swept))
    assert done.returncode == 0, done.stderr
    done = crescendo(tmp_path, "detect", "model", str(swept.parents[1] / "data" / "mine"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["results"]


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.tools
def test_a_confirmed_run_of_an_own_model_is_exported_where_that_is_allowed(swept: Path) -> None:
    folder = swept.parents[1]
    results = read_results(swept, resamples=50, allow_plugin=True)
    run = results.runs[results.runs["arm"] == "convolution"].iloc[0]["run_id"]
    refused = crescendo(folder, "export", str(run), "refused", "--study", str(swept))
    assert refused.returncode == 2
    assert "--allow-plugin" in refused.stderr
    assert not (folder / "refused").exists()
    done = crescendo(folder, "export", str(run), "own", "--study", str(swept), "--allow-plugin")
    assert done.returncode == 0, done.stderr


def test_a_mistake_is_one_line_with_its_place_and_nothing_is_written(workplace: Path) -> None:
    study = (workplace / "mine.yaml").read_text(encoding="utf-8").replace("my_losses:naive_margin", "my_losses:naive")
    (workplace / "wrong.yaml").write_text(study, encoding="utf-8")
    done = crescendo(workplace, "sweep", "wrong.yaml", "--output", "results/wrong")
    assert done.returncode == 2
    first, *others = done.stderr.splitlines()
    assert first.startswith("error: wrong.yaml:6: ablate.0.grid.variant.3: my_losses:naive: the module my_losses (")
    assert first.endswith("has no naive")
    assert all(line.startswith("error: ") for line in others)
    assert not (workplace / "results" / "wrong").exists()
    done = crescendo(workplace, "train", "data/mine", "--output", "runs/wrong", "--set", "variant=my_loss:naive")
    assert done.returncode == 2
    assert "variant: my_loss:naive: the module my_loss cannot be imported" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (workplace / "runs" / "wrong").exists()
