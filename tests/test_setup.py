"""The traps of the layout: our folder `platform` beside the standard library's module, and the shipped files."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
import typer

ROOT = Path(__file__).resolve().parents[1]


def in_fresh_process(code: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_process_started_in_the_root_gets_the_standard_librarys_platform():
    code = "import platform, sysconfig; print(platform.__file__.startswith(sysconfig.get_paths()['stdlib']), platform.system())"
    assert in_fresh_process(code, ROOT) == f"True {sys.platform.capitalize()}"
    assert not (ROOT / "platform" / "__init__.py").exists()


def test_our_platform_is_found_under_its_own_name_from_anywhere(tmp_path):
    code = "import crescendo.platform.cli as cli, platform; print(cli.__file__); platform.system()"
    assert Path(in_fresh_process(code, tmp_path)).name == "cli.py"
    assert Path(in_fresh_process(code, ROOT)).name == "cli.py"


def test_no_module_or_folder_of_platform_hides_another_package():
    """`ray submit` runs a script of that folder, which puts the folder first on the path."""
    inside = [path for path in (ROOT / "platform").rglob("*") if path.suffix == ".py" or path.is_dir()]
    names = sorted({path.stem for path in inside} - {"__init__", "__pycache__"})
    assert {"commands", "sweep", "journal"} <= set(names)
    code = (
        "import importlib.util, sys; "
        f"print([name for name in {names!r} if name in sys.stdlib_module_names or importlib.util.find_spec(name)])"
    )
    assert in_fresh_process(code, ROOT / "tests") == "[]"


HEAVY = ("torch", "ray", "mlflow", "optuna", "matplotlib", "pandas", "scipy.stats")


def test_the_command_line_lists_its_commands_without_any_library_that_takes_its_time():
    code = (
        "import sys; from typer.testing import CliRunner; from crescendo.platform.cli import app\n"
        "assert 'a ranking loss' in CliRunner().invoke(app, ['--help']).stdout\n"
        "assert 'extract' in CliRunner().invoke(app, ['data', '--help']).stdout\n"
        f"print([one for one in {(*HEAVY, 'pyarrow', 'numpy')!r} if one in sys.modules])"
    )
    assert in_fresh_process(code, ROOT) == "[]"


def test_the_process_of_a_study_and_what_it_hands_to_a_worker_load_no_torch():
    code = (
        "import sys, crescendo.platform.studies.runner, crescendo.platform.studies.decode_search\n"
        "import crescendo.trainables.training.trainable; print([one for one in ('torch', 'mlflow') if one in sys.modules])"
    )
    assert in_fresh_process(code, ROOT) == "[]"


def test_no_command_imports_torch_ray_mlflow_or_matplotlib_to_show_its_help():
    code = (
        "import sys; from crescendo.platform.cli import COMMANDS; from crescendo.platform.commands import data\n"
        "for command in (*COMMANDS.values(), *data.COMMANDS.values()): command.load()\n"
        f"print([one for one in {HEAVY!r} if one in sys.modules])"
    )
    assert in_fresh_process(code, ROOT) == "[]"


@pytest.mark.parametrize("group", ["cli", "commands.data"])
def test_the_help_that_is_listed_is_the_beginning_of_the_commands_own(group):
    for command in importlib.import_module(f"crescendo.platform.{group}").COMMANDS.values():
        found = command.load()
        own = found.info.help if isinstance(found, typer.Typer) else inspect.getdoc(found)
        assert own.startswith(command.help)
        assert own.removeprefix(command.help)[:2] in ("", "\n\n")


def test_imports_go_one_way():
    allowed = {
        "trainables": {"trainables"},
        "search_spaces": {"search_spaces"},
        "reports": {"reports", "search_spaces", "trainables"},
        "platform": {"platform", "search_spaces", "trainables", "reports"},
    }
    wrong = [
        (str(path.relative_to(ROOT)), room_imported)
        for room, known in allowed.items()
        for path in (ROOT / room).rglob("*.py")
        for room_imported in rooms_imported(path.read_text())
        if room_imported not in known
    ]
    assert wrong == []
    every_form = "import crescendo.reports.page\nfrom crescendo import platform\nfrom . import near\n"
    every_form += "def load():\n    from crescendo.trainables import config\n"
    assert sorted(rooms_imported(every_form)) == ["by a relative import", "platform", "reports", "trainables"]


def rooms_imported(source):
    """The rooms that a file imports from anywhere in it, as its imports are written."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield "by a relative import"
        elif isinstance(node, ast.ImportFrom | ast.Import):
            before = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            names = [f"{before}{one.name}".split(".") for one in node.names]
            yield from {
                room for package, room, *_ in (name for name in names if len(name) > 1) if package == "crescendo"
            }


def test_imports_run_in_no_circle():
    """At the level of modules, those for type checkers included."""
    names = {module_name(path): path for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    imports = {name: set(imported_by(path, names)) - {name} for name, path in names.items()}
    assert len(imports) > 100
    assert imports["crescendo.platform.cli"] >= {"crescendo.platform.console"}
    assert circle_in(imports) == []
    assert circle_in({"a": {"b"}, "b": {"c", "d"}, "c": set(), "d": {"b"}}) == ["b", "d", "b"]


def test_an_import_within_a_function_stands_below_its_reason():
    unexplained = [
        f"{path.relative_to(ROOT)}:{line}"
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        for line in imports_without_reason(path.read_text(encoding="utf-8"))
    ]
    assert unexplained == []
    assert imports_without_reason("def one():\n    import os\n\n    # why\n    import sys\n    import re\n") == [2]


ROOMS = ("trainables", "search_spaces", "reports", "platform")


# What the rooms know of models, matching rules and losses stands in their tables. Names that mean something else, too, such as
# `score`, cannot be told by their text.
TABLES = {
    "trainables/models/registry.py": {"lstm", "gru", "cnn"},
    "trainables/evaluation/protocols.py": {"thumos14"},
    "trainables/losses/variants.py": {
        "combined", "naive", "linear_early", "exponential", "smoothing", "weighted", "confident",
    },
    "trainables/losses/terms.py": {"linear_early", "exponential", "smoothing", "weighted", "confident"},
}  # fmt: skip


def test_one_name_means_one_public_class():
    places = {}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places.setdefault(node.name, []).append(path.relative_to(ROOT).as_posix())
    assert len(places) > 200
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_names_of_models_matching_rules_and_variants_stand_in_their_tables_alone():
    names = set().union(*TABLES.values())
    found = {
        str(path.relative_to(ROOT)): texts & names
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if (texts := set(texts_in(path.read_text(encoding="utf-8")))) & names
    }
    assert found == TABLES
    assert set(texts_in('def one(model: "a"):\n    "d"\n    return {"b": model == \'c\', 1: b"e"}')) == set("abcd")


def texts_in(source):
    """The texts of a file that stand there whole, docstrings and names in quotes."""
    return (
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def imports_without_reason(source):
    """The lines of imports within functions that stand below no comment, alone or together with others."""
    functions = [
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    found = {
        node.lineno for one in functions for node in ast.walk(one) if isinstance(node, ast.Import | ast.ImportFrom)
    }
    lines = ["", *source.splitlines()]
    above = {}
    for line in sorted(found):
        before = line - 1 if lines[line - 1].strip() else line - 2
        above[line] = above[before] if before in above else lines[before].strip()
    return [line for line, text in above.items() if not text.startswith("#")]


def module_name(path):
    return "crescendo." + ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported_by(path, names):
    """The modules of `names` that the file imports when it is imported: not within its functions."""
    waiting = [ast.parse(path.read_text())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from {f"{node.module}.{one.name}" for one in node.names} & names.keys()
            yield from {node.module} & names.keys()
        elif isinstance(node, ast.Import):
            yield from {one.name for one in node.names} & names.keys()
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def circle_in(imports):
    """The first circle that following `imports` meets, its first module at both ends; empty if there is none."""
    done = set()

    def follow(name, above):
        if name in above:
            return [*above[above.index(name) :], name]
        if name in done:
            return []
        found = next((one for one in (follow(other, [*above, name]) for other in sorted(imports[name])) if one), [])
        done.add(name)
        return found

    return next((one for one in (follow(name, []) for name in sorted(imports)) if one), [])
