"""The archive for a GPU without a network: packed, unpacked elsewhere, run."""

import ast
import importlib
import io
import json
import os
import subprocess
import sys
import tarfile
import time
from importlib.metadata import packages_distributions
from pathlib import Path

import numpy as np
import psutil
import pytest

from crescendo.trainables.data.dataset import Dataset

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "benchmarks"))
gpu_bundle, gpu_check = importlib.import_module("gpu_bundle"), importlib.import_module("gpu_check")
sys.path.remove(str(ROOT / "benchmarks"))

ROW = {"name": "rate", "ratio": 2.0, "target": "at least 1", "holds": True}
GPU = f"""
import json, sys
row = {{**{ROW!r}, "candidate_seconds": 1.0, "yardstick_seconds": 2.0, "rounds": 1}}
print("measuring")
open(sys.argv[2], "w").write(json.dumps([row]))
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A working tree as small as can be: the rooms are those of this one, the tests and the benchmark are not."""
    root = tmp_path_factory.mktemp("tree")
    for room in gpu_check.ROOMS:
        (root / room).mkdir()
        (root / room / "one.py").write_text(f"name = {room!r}\n")
    for name in gpu_check.TESTS:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("from crescendo.trainables.one import name\ndef test(): assert name == 'trainables'\n")
    (root / "benchmarks").mkdir()
    for name in ("gpu_check", "page", "yardstick", "platform"):
        (root / "benchmarks" / f"{name}.py").write_bytes((ROOT / "benchmarks" / f"{name}.py").read_bytes())
    (root / "benchmarks" / "gpu.py").write_text(GPU)
    (root / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = "--import-mode=importlib"\n')
    (root / "LICENSE").write_text("none\n")
    (root / "notes.txt").write_text("not needed\n")
    for command in (["init", "--quiet"], ["add", "."]):
        subprocess.run(["git", "-C", str(root), *command], check=True)
    (root / "trainables" / "untracked.py").write_text("")
    return root


def members(packed):
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        return {one.name: one for one in tar.getmembers()}


def test_the_same_files_make_the_same_archive_which_stays_in_its_folder_and_is_nobodys(tree):
    files = gpu_bundle.code(tree)
    packed = gpu_bundle.archive(files)
    assert packed == gpu_bundle.archive(dict(reversed(files.items())))
    found = members(packed)
    assert f"{gpu_bundle.TOP}/check.py" in found
    for name, member in found.items():
        assert name.startswith(f"{gpu_bundle.TOP}/")
        assert ".." not in name.split("/")
        assert member.isfile()
        assert (member.uid, member.gid, member.uname, member.gname, member.mtime) == (0, 0, "", "", 0)


def test_tracked_files_that_the_check_needs_are_packed_and_no_others(tree):
    names = set(gpu_bundle.code(tree))
    assert {
        "check.py",
        "code/trainables/one.py",
        "code/pyproject.toml",
        *(f"code/{one}" for one in gpu_check.TESTS),
    } <= names
    assert not {"code/notes.txt", "code/trainables/untracked.py"} & names


def test_a_link_is_refused(tree):
    link = tree / "benchmarks" / "link.py"
    link.symlink_to("/")
    subprocess.run(["git", "-C", str(tree), "add", "benchmarks/link.py"], check=True)
    try:
        with pytest.raises(gpu_bundle.Refused, match=r"benchmarks/link\.py: is a link"):
            gpu_bundle.code(tree)
    finally:
        subprocess.run(["git", "-C", str(tree), "rm", "--quiet", "--force", "benchmarks/link.py"], check=True)


def test_nothing_of_this_machine_is_packed():
    files = gpu_bundle.code(ROOT)
    assert len(files) > 100
    assert [name for name, content in files.items() if str(ROOT).encode() in content] == []


def test_what_is_too_large_is_refused_and_data_that_do_not_fit_are_left_out():
    noise = np.random.default_rng(0)
    small, large = ({name: noise.bytes(size)} for name, size in (("small", 1000), ("large", 9000)))
    assert gpu_bundle.pack(small, large, limit=20_000)[1]
    packed, with_data = gpu_bundle.pack(small, large, limit=5_000)
    assert (with_data, list(members(packed))) == (False, [f"{gpu_bundle.TOP}/small"])
    with pytest.raises(gpu_bundle.Refused, match="largest file is large"):
        gpu_bundle.pack(large, {}, limit=5_000)


def test_data_are_packed_in_half_precision(tiny_dataset, tmp_path):
    files = gpu_bundle.half_precision(tiny_dataset.path)
    assert files == gpu_bundle.half_precision(tiny_dataset.path)
    with tarfile.open(fileobj=io.BytesIO(gpu_bundle.archive(files))) as tar:
        tar.extractall(tmp_path, filter="data")
    found = Dataset(tmp_path / gpu_bundle.TOP / "data" / "hapt")
    assert found.labels == tiny_dataset.labels
    for name in tiny_dataset.annotations.recordings:
        np.testing.assert_array_equal(found.features(name), np.float16(tiny_dataset.features(name)))
        np.testing.assert_array_equal(found.frame_labels(name), tiny_dataset.frame_labels(name))


def test_packages_that_are_there_are_left_out_with_what_only_they_need():
    everything, without = (
        {one.partition("==")[0] for one in gpu_bundle.pinned("3.12", there)} for there in ((), ("Rich", "pyarrow"))
    )
    assert everything >= {"pyarrow", "pydantic", "pydantic-core", "pluggy", "markdown-it-py"}
    assert not everything & {"torch", "numpy", "colorama", "tomli"}
    assert everything - without == {"pyarrow", "rich", "markdown-it-py", "mdurl"}


def test_every_package_that_tests_and_benchmark_import_is_packed_or_expected():
    places = [ROOT / name for name in (*gpu_check.TESTS, "tests/conftest.py", "tests/trainables/conftest.py")]
    needed = {"torch", "numpy"} | {one.partition("==")[0] for one in gpu_bundle.pinned("3.12")}
    known = packages_distributions()
    for module, file in imported([*places, ROOT / "benchmarks" / "gpu.py", ROOT / "benchmarks" / "page.py"]):
        assert {name.lower() for name in known[module]} & needed, f"{file} imports {module}"


def imported(waiting):
    """Yield the top names of what the files, and what they import, import of others, and where; functions left aside."""
    seen = set()
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        nodes = list(ast.parse(file.read_text()).body)
        while nodes:
            node = nodes.pop()
            if isinstance(node, ast.Import):
                names = [(one.name, ()) for one in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [(str(node.module), [one.name for one in node.names])]
            else:
                nodes += [] if isinstance(node, ast.FunctionDef) else ast.iter_child_nodes(node)
                continue
            for module, inside in names:
                if module.partition(".")[0] in sys.stdlib_module_names:
                    continue
                ours = [path for path in candidates(file, module, inside) if path.is_file()]
                waiting += ours
                if not ours:
                    yield module.partition(".")[0], file.relative_to(ROOT)


def candidates(file, module, inside):
    """Yield the files of this tree that an import may mean."""
    for base in (file.parent, ROOT / "tests" / "support", ROOT / "tests" / "references"):
        yield base / f"{module}.py"
    if module.startswith("crescendo."):
        place = ROOT.joinpath(*module.split(".")[1:])
        yield from (place / "__init__.py", place.with_suffix(".py"), *(place / f"{name}.py" for name in inside))


def unpacked(tree, folder):
    with tarfile.open(fileobj=io.BytesIO(gpu_bundle.archive(gpu_bundle.code(tree)))) as tar:
        tar.extractall(folder, filter="data")
    return folder / gpu_bundle.TOP


def check(folder, output, *arguments):
    command = [sys.executable, str(folder / "check.py"), "--output", str(output), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder.parent)
    return done, json.loads((output / "results.json").read_text())


def test_the_check_runs_tests_and_benchmarks_of_the_unpacked_archive(tree, tmp_path):
    folder, output = unpacked(tree, tmp_path), tmp_path / "came"
    done, results = check(folder, output)
    assert done.returncode == 0, done.stdout + done.stderr
    steps = results["steps"]
    assert (steps["tests"]["passed"], steps["tests"]["failed"]) == (len(gpu_check.TESTS), 0)
    assert steps["study"]["said"].startswith("skipped: no data set")
    assert [row["name"] for row in results["rows"]] == ["rate"]
    assert "measuring" in (output / "gpu.txt").read_text()
    assert (output / "summary.txt").read_text() in done.stdout
    page = tmp_path / "page.md"
    command = ["benchmarks/page.py", str(output / "results.json"), "--out", str(page)]
    subprocess.run([sys.executable, *command], cwd=folder / "code", check=True)
    assert "| rate | 2 | at least 1 | yes |" in page.read_text()


def test_a_test_or_a_benchmark_that_fails_is_said_and_the_rest_still_runs(tree, tmp_path):
    folder, output = unpacked(tree, tmp_path), tmp_path / "came"
    (folder / "code" / gpu_check.TESTS[0]).write_text("def test(): assert False\n")
    (folder / "code" / "benchmarks" / "gpu.py").write_text("raise SystemExit(3)\n")
    done, results = check(folder, output)
    assert done.returncode == 1
    assert (results["steps"]["tests"]["passed"], results["steps"]["tests"]["failed"]) == (len(gpu_check.TESTS) - 1, 1)
    assert results["steps"]["gpu"]["said"] == "exit code 3"
    assert "gpu: FAILS: exit code 3" in done.stdout


def test_a_step_leaves_no_process_and_no_step_lasts_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu_check, "CODE", tmp_path)
    child = "import subprocess, sys, time; print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"
    for limit in (2, 20, 200):  # until it is long enough for a busy machine to start both
        monkeypatch.setattr(gpu_check, "LIMIT", limit)
        code, seconds = gpu_check.run(["-c", child], os.environ, tmp_path / "log.txt")
        assert code != 0
        assert seconds < 590
        if (tmp_path / "log.txt").read_text():
            break
    assert soon_gone(int((tmp_path / "log.txt").read_text()))


def soon_gone(number):
    """Tell whether a killed process is gone: the system ends it when it next gets to it, not at once."""
    for _ in range(1200):
        try:
            if psutil.Process(number).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False
