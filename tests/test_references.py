"""What source and pages point to is there: sections and readings of docs/protocol.md, files, and links between pages."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "protocol.md"
ROOMS = ("trainables", "search_spaces", "platform", "reports", "tests", "benchmarks")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])

NUMBERS = r"(\d+(?:(?:, | and | to |-)\d+)*)"
SECTION = re.compile(rf"protocol sections? {NUMBERS}(?:, (reading|step)s? {NUMBERS})?", re.I)
READING = re.compile(rf"\breadings? {NUMBERS}(?=[^\w ]|$)", re.I)


def texts() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every source file and page, line breaks and comment signs as single spaces."""
    sources = [path for room in ROOMS for path in (ROOT / room).rglob("*") if path.suffix in (".py", ".yaml")]
    for path in sorted([*sources, *PAGES]):
        if path != Path(__file__):
            name = str(path.relative_to(ROOT))
            yield name, re.sub(r"[\s#]+", " ", path.read_text(encoding="utf-8"))


def numbers(text: str) -> set[int]:
    """Return the numbers that "4, 5 and 6" or "2 to 4" stand for."""
    found: set[int] = set()
    for part in re.split(r", | and ", text):
        first, *last = re.split(r" to |-", part)
        found |= set(range(int(first), int(last[0] if last else first) + 1))
    return found


def sections() -> dict[int, str]:
    """Return the text of every numbered section of the protocol."""
    parts = re.split(r"^## (\d+)\. ", PAGE.read_text(encoding="utf-8"), flags=re.M)
    return {int(number): text for number, text in zip(parts[1::2], parts[2::2], strict=True)}


def listed(section: str) -> set[int]:
    """Return the numbers of a section's numbered list: its readings, or its steps."""
    return {int(number) for number in re.findall(r"^(\d+)\. ", section, re.M)}


def test_the_protocol_has_its_sections_and_readings() -> None:
    found = sections()
    assert list(found) == list(range(1, 9))
    assert listed(found[1]) == set(range(1, 9)), "readings"
    assert listed(found[3]) == set(range(1, 5)), "steps"


def test_every_section_that_is_referred_to_is_there() -> None:
    found, wrong, seen = sections(), [], set()
    for name, text in texts():
        for match in SECTION.finditer(text):
            named = numbers(match[1])
            seen |= named
            inner = numbers(match[3]) if match[3] else set()
            if not named <= set(found) or not all(inner <= listed(found[number]) for number in named):
                wrong.append(f"{name}: {match[0]}")
    assert wrong == []
    assert {1, 2, 3, 4, 5, 6, 8} <= seen, "the pattern no longer finds what it should"


def test_every_reading_that_is_referred_to_is_there() -> None:
    """Readings are those of section 1."""
    readings = listed(sections()[1])
    found = [(name, match) for name, text in texts() for match in READING.finditer(text)]
    assert [f"{name}: {match[0]}" for name, match in found if not numbers(match[1]) <= readings] == []
    assert len(found) > 5, "the pattern no longer finds what it should"


def test_every_section_says_whose_it_is() -> None:
    bare = re.compile(r"(?<!protocol )(?<!paper )(?<!ECCV 2016, )\bsections? \d[^)]*", re.I)
    assert [f"{name}: {found}" for name, text in texts() if name.endswith(".py") for found in bare.findall(text)] == []


def test_every_name_of_a_module_that_the_source_refers_to_is_there() -> None:
    """`module.name` in backticks: the module has the name, unless a variable of the file has the module's."""
    modules = {path: defined(path) for room in ROOMS[:4] for path in (ROOT / room).rglob("*.py")}
    known = {path.stem for path in modules} | {"json", "jsonl", "log", "bundle", "txt"}  # `package.module`; files
    wrong, seen = [], 0
    for path in modules:
        source = path.read_text(encoding="utf-8")
        variables = {getattr(node, "id", getattr(node, "arg", None)) for node in ast.walk(ast.parse(source))}
        for module, name in re.findall(r"`(?:\w+\.)*?([a-z_]+)\.(\w+)`", source):
            named = [names for other, names in modules.items() if other.stem == module]
            if named and module not in variables and f"{module}.{name}" != "base.iou":  # that is a key of a study
                seen += 1
                if name not in known.union(*named):
                    wrong.append(f"{path.relative_to(ROOT)}: {module}.{name}")
    assert wrong == []
    assert seen > 10, "the pattern no longer finds what it should"


def defined(module: Path) -> set[str]:
    """Return the names that a module defines at its top level."""
    names = set()
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        targets = getattr(node, "targets", [getattr(node, "target", node)])
        names |= {getattr(target, "id", getattr(target, "name", "")) for target in targets}
    return names


def test_every_file_that_a_page_names_is_there() -> None:
    pattern = rf"(?<![\w/.])(?:{'|'.join(ROOMS)}|docs)/[\w/.-]*\.(?:py|yaml|md)\b"
    wrong = [
        f"{page.name}: {name}"
        for page in PAGES
        for name in re.findall(pattern, page.read_text(encoding="utf-8"))
        if not (ROOT / name).exists()
    ]
    assert wrong == []


def test_every_link_between_pages_leads_somewhere() -> None:
    wrong = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if "://" in target:
                continue
            name, _, anchor = target.partition("#")
            there = page if not name else (page.parent / name)
            if not there.exists() or (anchor and anchor not in anchors(there)):
                wrong.append(f"{page.name}: {target}")
    assert wrong == []


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
