"""What pages load: our own files, and a few of what npm installs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders

from livermore.static import PACKAGES, PackagesFinder


@pytest.mark.parametrize("name", PACKAGES)
def test_a_file_of_a_package_is_found_under_the_name_that_pages_know(name: str) -> None:
    assert finders.find(name) is not None


def test_nothing_else_of_a_package_is_served() -> None:
    assert [name for name, _ in PackagesFinder().list(None)] == list(PACKAGES)
    assert finders.find("vendor/index.js") is None
    assert finders.find("vendor/../package.json") is None


def test_no_file_names_a_source_map_which_would_not_be_there() -> None:
    for name, storage in PackagesFinder().list(None):
        with storage.open(name) as file:
            assert b"//# sourceMappingURL" not in file.read()


def test_a_file_that_is_not_installed_is_said_with_the_way_out(
    tmp_path: Path, settings: Any
) -> None:
    settings.BASE_DIR = tmp_path
    said = PackagesFinder().check()
    assert len(said) == len(PACKAGES) + 1  # and what bundles our own
    assert str(tmp_path) in said[0].msg
    assert "make setup" in str(said[0].hint)
    assert finders.get_finder("livermore.static.PackagesFinder").check() == []
