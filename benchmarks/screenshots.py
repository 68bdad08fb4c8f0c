"""The pictures of a report's page in `docs`, as a browser shows it: light, dark, and on a phone.

.venv/bin/python benchmarks/screenshots.py results/STUDY/report/report.html docs
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_OPTIONS = "--headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run --hide-scrollbars"
_DARK = "--blink-settings=preferredColorScheme=0"
_PICTURES = {"light": (1200, 1240, ()), "dark": (1200, 1240, (_DARK,)), "phone": (390, 1240, ())}
"""Name -> width and height in pixels, and what the browser is asked for besides."""


def take(browser: str, page: Path, folder: Path) -> None:
    """Write the three pictures of a page as `report-NAME.png` into `folder`."""
    for name, (width, height, more) in _PICTURES.items():
        picture = (folder / f"report-{name}.png").resolve()
        with tempfile.TemporaryDirectory() as profile:
            command = [
                browser,
                *_OPTIONS.split(),
                *more,
                f"--user-data-dir={profile}",
                f"--window-size={width},{height}",
            ]
            command += [f"--screenshot={picture}", page.resolve().as_uri()]
            subprocess.run(command, check=True, capture_output=True, timeout=120)
        print(picture)


def main() -> None:
    """Take the pictures that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path, help="a report's report.html")
    parser.add_argument("folder", type=Path, help="where the pictures go")
    options = parser.parse_args()
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        sys.exit("no Chromium is installed: bash .ci/tools installs one")
    take(browser, options.page, options.folder)


if __name__ == "__main__":
    main()
