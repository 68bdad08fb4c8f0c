"""The traps of the layout: our folder `platform` beside the standard library's module, and the shipped files."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def in_fresh_process(code: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


def test_a_process_started_in_the_root_gets_the_standard_librarys_platform():
    code = "import platform, sysconfig; print(platform.__file__.startswith(sysconfig.get_paths()['stdlib']), platform.system())"
    assert in_fresh_process(code, ROOT) == f"True {sys.platform.capitalize()}"
    assert not (ROOT / "platform" / "__init__.py").exists()


def test_our_platform_is_found_under_its_own_name_from_anywhere(tmp_path):
    code = "import crescendo.platform.cli as cli, platform; print(cli.__file__); platform.system()"
    assert Path(in_fresh_process(code, tmp_path)).name == "cli.py"
    assert Path(in_fresh_process(code, ROOT)).name == "cli.py"


def test_no_module_of_platform_hides_another_package():
    """`ray submit` runs a script of that folder, which puts the folder first on the path."""
    names = [path.stem for path in (ROOT / "platform").glob("*.py")]
    code = (
        "import importlib.util, sys; "
        f"print([name for name in {names!r} if name in sys.stdlib_module_names or importlib.util.find_spec(name)])"
    )
    assert in_fresh_process(code, ROOT / "tests") == "[]"


def test_the_command_line_starts_without_torch_ray_and_mlflow():
    code = (
        "import sys, crescendo.platform.cli; print([one for one in ('torch', 'ray', 'mlflow') if one in sys.modules])"
    )
    assert in_fresh_process(code, ROOT) == "[]"


def test_imports_go_one_way():
    allowed = {
        "trainables": {"trainables"},
        "search_spaces": {"search_spaces"},
        "reports": {"reports", "trainables"},
        "platform": {"platform", "search_spaces", "trainables", "reports"},
    }
    wrong = [
        (str(path.relative_to(ROOT)), node.module)
        for room, known in allowed.items()
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("crescendo.")
        if str(node.module).split(".")[1] not in known
    ]
    assert wrong == []
