"""Sheets and modules as pages load them: each with what it imports, in one file.

Rule 1: sources run as they are where static files are not hashed; a bundle is only fewer answers,
    never another meaning. Nothing is shortened: what a person reads in the browser is our text.
Rule 2: what several pages share stands in a file of its own (a chunk), so it runs once on a page
    and is fetched once for all.

The bundler is esbuild, installed by npm: https://esbuild.github.io/api/
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

LOADED: Final = (
    "livermore/css/site.css",
    "livermore/css/api_docs.css",
    "livermore/css/document.css",
    "livermore/css/login.css",
    "livermore/css/scanner.css",
    "livermore/css/symbols_acts.css",
    "livermore/css/pages/chart.css",
    "livermore/css/pages/control.css",
    "livermore/css/pages/settings.css",
    "livermore/css/pages/signals.css",
    "livermore/css/pages/symbols.css",
    "livermore/js/shell.js",
    "livermore/js/api_docs.js",
    "livermore/js/chart/main.js",
    "livermore/js/panel/main.js",
    "livermore/js/settings/main.js",
    "livermore/js/signals/main.js",
    "livermore/js/symbols/main.js",
    "livermore/js/symbols/scanner.js",
)
"""What templates name; everything else of ours is imported by one of these."""

_CHUNKS = "livermore/js/chunks/[hash]"
_SECONDS = 60  # it takes a tenth of one


def bundler(packages: Path) -> Path | None:
    """The program for this machine, of which npm installs one among its ``packages``, if it did."""
    return next(packages.glob("@esbuild/*/bin/esbuild"), None)


def bundle(target: Path) -> tuple[set[str], set[str]]:
    """Write the bundles of our sources below ``target``.

    Returns the names that were written, and those of the sources that stand inside one and are
    asked for by nobody any more; both below the address of static files.

    Raises ImproperlyConfigured with the bundler's own words, or without one.
    """
    project = Path(settings.BASE_DIR)
    program, sources = bundler(project / "node_modules"), project / "static"
    if program is None:
        raise ImproperlyConfigured("What bundles the pages' files is missing: `make setup`.")
    with TemporaryDirectory() as scratch:
        told = Path(scratch) / "told.json"
        options = [
            "--bundle",
            "--splitting",
            "--format=esm",
            "--charset=utf8",
            "--external:../../../vendor/*",
            "--log-level=warning",
            f"--chunk-names={_CHUNKS}",
            f"--outbase={sources}",
            f"--outdir={target}",
            f"--metafile={told}",
        ]
        made = subprocess.run(
            [str(program), *LOADED, *options],
            cwd=sources,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if made.returncode:
            raise ImproperlyConfigured(f"The pages' files do not fit together:\n{made.stderr}")
        outputs: dict[str, Any] = json.loads(told.read_text())["outputs"]
    written = {_name(sources / path, target) for path in outputs}
    parts = {name for output in outputs.values() for name in output["inputs"]} - written
    return written, parts


def _name(path: Path, root: Path) -> str:
    """The bundler tells its files from where it runs; pages know them from the root."""
    return path.resolve().relative_to(root.resolve()).as_posix()
