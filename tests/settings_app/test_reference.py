"""The reference of settings: everything is in it, and it is as the schema says."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from settings_app.reference import markdown
from settings_app.schema.legacy import OLDER_KEYS
from settings_app.schema.rules import RULES
from settings_app.schema.tree import leaves
from settings_app.templates import TEMPLATES


def test_the_reference_in_the_repository_is_up_to_date() -> None:
    file = Path(settings.BASE_DIR, "docs", "settings.md")
    assert file.read_text(encoding="utf-8") == markdown()


@pytest.mark.parametrize("place", [place for place, _ in leaves()])
def test_every_setting_is_in_a_table_once_with_what_it_does_and_when(place: str) -> None:
    (line,) = (line for line in markdown().splitlines() if line.startswith(f"| `{place}` |"))
    node = dict(leaves())[place]
    cells = [cell.strip() for cell in line.strip("|").split(" | ")]
    assert len(cells) == 5
    assert cells[1].startswith(node["description"])
    assert ("Recorded only" in cells[1]) == ("x-effect" in node)
    assert cells[4] == node["x-applies"]


def test_every_rule_preset_and_older_key_is_in_it() -> None:
    text = markdown()
    for rule in RULES:
        assert f"- {rule.__doc__}\n" in text
    for one in TEMPLATES:
        assert f"| `{one.name}` | {one.title} | {one.description} |" in text
    for key in (key for keys in OLDER_KEYS.values() for key in keys):
        assert f"/{key}` |" in text


def test_the_command_writes_the_reference_and_then_finds_it_current(tmp_path: Path) -> None:
    file = tmp_path / "settings.md"
    call_command("settings_reference", file=file)
    assert file.read_text(encoding="utf-8") == markdown()
    call_command("settings_reference", file=file, check=True)


@pytest.mark.parametrize("stale", ["", "# Settings\n", None])
def test_a_check_of_a_stale_reference_fails_and_writes_nothing(
    tmp_path: Path, stale: str | None
) -> None:
    file = tmp_path / "settings.md"
    if stale is not None:
        file.write_text(stale, encoding="utf-8")
    with pytest.raises(CommandError, match=r"run manage\.py settings_reference"):
        call_command("settings_reference", file=file, check=True)
    assert (file.read_text(encoding="utf-8") if file.exists() else None) == stale
