"""Bundles: each file that a page loads, with everything it imports."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from livermore.bundles import LOADED, bundle, bundler

PROJECT = Path(__file__).resolve().parents[2]
OURS = PROJECT / "static" / "livermore"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[str], set[str]]:
    target = tmp_path_factory.mktemp("bundles")
    return target, *bundle(target)


@pytest.fixture
def project(tmp_path: Path, settings: Any) -> Path:
    """A project with the bundler and the files that pages load, each of them empty."""
    (tmp_path / "node_modules").symlink_to(PROJECT / "node_modules")
    for name in LOADED:
        file = tmp_path / "static" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    settings.BASE_DIR = tmp_path
    settings.STATICFILES_DIRS = [tmp_path / "static"]
    return tmp_path


def test_what_templates_name_is_what_is_bundled() -> None:
    texts = (file.read_text() for file in (PROJECT / "templates").rglob("*.html"))
    named = {
        name for text in texts for name in re.findall(r"livermore/[\w/-]+\.(?:css|js)\b", text)
    }
    assert named == set(LOADED)


def test_every_sheet_and_module_of_ours_is_in_a_bundle(
    made: tuple[Path, set[str], set[str]],
) -> None:
    _, written, parts = made
    sources = {
        file.relative_to(PROJECT / "static").as_posix()
        for kind in ("css", "js")
        for file in OURS.rglob(f"*.{kind}")
    }
    assert sources - written - parts == set()
    assert written & parts == set()


def test_a_bundle_imports_only_what_bundles_share_and_what_npm_installs(
    made: tuple[Path, set[str], set[str]],
) -> None:
    target, written, _ = made
    for name in written:
        text = (target / name).read_text()
        asked = re.findall(r"""(?:@import|\bfrom|import\()\s*(?:url\()?["']([./][^"']*)""", text)
        for path in asked:
            assert re.search(r"chunks/\w+\.js$|^\.\./\.\./\.\./vendor/", path) or path.startswith(
                "./"
            ), f"{name} asks for {path}"


def test_what_npm_installs_is_asked_for_where_it_is(
    made: tuple[Path, set[str], set[str]],
) -> None:
    target, _, _ = made
    chart = target / "livermore/js/chart/main.js"
    assert 'import("../../../vendor/lightweight-charts.js")' in chart.read_text()


def test_a_module_that_pages_share_runs_once_on_a_page(
    made: tuple[Path, set[str], set[str]],
) -> None:
    target, written, _ = made
    holders = [name for name in written if "new WebSocket(" in (target / name).read_text()]
    assert len(holders) == 1
    assert "/chunks/" in holders[0]


def test_what_does_not_fit_is_told_with_its_place(project: Path, tmp_path: Path) -> None:
    (project / "static" / LOADED[-1]).write_text('\nimport "./nowhere.js";\n')
    with pytest.raises(ImproperlyConfigured) as told:
        bundle(tmp_path / "target")
    assert f"{LOADED[-1]}:2:7" in str(told.value)
    assert "nowhere.js" in str(told.value)


def test_without_the_bundler_the_way_out_is_told(project: Path, tmp_path: Path) -> None:
    (project / "node_modules").unlink()
    assert bundler(project / "node_modules") is None
    with pytest.raises(ImproperlyConfigured, match="make setup"):
        bundle(tmp_path / "target")


def test_collected_again_a_bundle_has_what_has_changed_inside_it(
    project: Path, settings: Any
) -> None:
    settings.STATIC_ROOT = project / "collected"
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "livermore.static.HashedStaticFiles"},
    }
    sheet, part = (project / "static/livermore/css" / name for name in ("site.css", "part.css"))
    sheet.write_text('@import url("part.css");')
    collected = []
    for colour in ("teal", "plum"):
        part.write_text(f"p {{ color: {colour} }}")
        call_command("collectstatic", interactive=False, verbosity=0)
        names = json.loads((project / "collected/staticfiles.json").read_text())["paths"]
        assert "livermore/css/part.css" not in names
        collected.append(project / "collected" / names["livermore/css/site.css"])
        assert colour in collected[-1].read_text()
    assert collected[0] != collected[1]
