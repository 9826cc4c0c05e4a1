"""Presets: what each changes, and that it fits whatever document it is laid over."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings

from settings_app.documents import merge_patch, pointer
from settings_app.schema import default_document, keys_at, validate
from settings_app.templates import TEMPLATES, Template, template
from tests.settings_app.strategies import current_documents

SUB = "sub-1"
BOTH_MODES = {"/modes/position-monitor", "/modes/scalper-macdv"}
STYLE = {
    "/perseus_profile/risk_tolerance",
    "/perseus_profile/investment_style",
    "/perseus_profile/trade_settings/stop_loss_percentage",
    "/perseus_profile/trade_settings/take_profit_percentage",
    "/perseus_profile/trade_settings/preferred_timeframes",
}

# What each description says that it changes.
SAID = {
    "conservative-monitor": STYLE | {"/modes/position-monitor"},
    "active-macdv-scalper": STYLE | {"/modes/scalper-macdv"},
    "swing-trader": STYLE | BOTH_MODES,
    "night-watch": BOTH_MODES,
    "paper-demo": BOTH_MODES | {"/livermore_runtime/auto_start", "/perseus_profile/trading_mode"},
}
each = pytest.mark.parametrize("preset", TEMPLATES, ids=lambda one: one.name)


def leaves(value: Any, at: str = "") -> dict[str, Any]:
    """Every value that is no object, by its place."""
    if not isinstance(value, dict):
        return {at: value}
    return {
        place: leaf
        for key, member in value.items()
        for place, leaf in leaves(member, at + pointer(key)).items()
    }


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """The places where two documents, both spelt out, differ."""
    old, new = leaves(before), leaves(after)
    return {place for place in old.keys() | new.keys() if old.get(place) != new.get(place)}


@each
def test_a_preset_over_the_default_document_is_valid_and_changes_something(
    preset: Template,
) -> None:
    before = default_document(SUB)
    after = validate(merge_patch(before, preset.patch)).to_document()
    assert changed(before, after)


@each
@settings(deadline=None, max_examples=50)
@given(document=current_documents(SUB))
def test_a_preset_fits_every_valid_document_and_changes_only_what_it_says(
    preset: Template, document: dict[str, Any]
) -> None:
    before = validate(document).to_document()
    after = validate(merge_patch(before, preset.patch)).to_document()
    for place in changed(before, after):
        assert any(place == said or place.startswith(said + "/") for said in SAID[preset.name])


@each
def test_a_preset_has_its_whole_effect_whatever_was_there(preset: Template) -> None:
    for place, value in leaves(dict(preset.patch)).items():
        before = {"version": 2, "sub": SUB}
        after = validate(merge_patch(before, preset.patch)).to_document()
        assert leaves(after)[place] == value


@each
@pytest.mark.parametrize(
    "own",
    [
        "watchlist",
        "position_symbols",
        "exchanges",
        "load_positions_from_exchange",
        "scanner",
        "notifications",
        "schedule",
    ],
)
def test_a_preset_keeps_what_is_ones_own(preset: Template, own: str) -> None:
    assert own in keys_at(())
    assert own not in preset.patch


@each
def test_a_description_tells_the_figures_that_matter(preset: Template) -> None:
    said = set(re.findall(r"\d+", preset.description))
    for mode in preset.patch["modes"].values():
        assert f"{min(mode['levels']):g}" in said
        if len(mode["timeframes"]) < 6:
            assert all(timeframe in preset.description for timeframe in mode["timeframes"])
    trade = preset.patch.get("perseus_profile", {}).get("trade_settings", {})
    for key in ("stop_loss_percentage", "take_profit_percentage"):
        assert key not in trade or f"{trade[key]:g}" in said
    assert preset.description.endswith(".")


@each
def test_using_a_preset_leaves_it_as_it_is(preset: Template) -> None:
    before = deepcopy(preset.patch)
    merge_patch(default_document(SUB), preset.patch)
    assert preset.patch == before


def test_every_preset_is_found_by_its_name() -> None:
    assert [template(one.name) for one in TEMPLATES] == list(TEMPLATES)
    assert len({one.title for one in TEMPLATES}) == len(TEMPLATES) == len(SAID)


def test_an_unknown_preset_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(KeyError, match="conservative-monitor, active-macdv-scalper"):
        template("yolo")
