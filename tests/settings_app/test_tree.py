"""What people, forms and programs are told of each setting; and that it is true."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from control.deliveries.routing import routes
from control.effects.symbols import primary_exchange
from control.plan import plan_of
from control.positions.sources import sources
from control.reader import reader_of
from control.schedule import next_after
from control.symbols.scans import criteria_of
from settings_app.credentials import named
from settings_app.documents import set_at
from settings_app.schema import (
    Applies,
    Settings,
    applies_at,
    json_schema,
    keys_at,
    nearest,
    parse_stored,
)
from settings_app.schema.fields import Section
from settings_app.schema.tree import Node, leaves
from trading.core.market import Market, Timeframe
from trading.core.modes import Mode, SignalKind
from trading.models import SYSTEM, Alert

LEAVES = dict(leaves())
EVE = datetime(2026, 3, 25, 12, tzinfo=UTC)  # a Wednesday

# A document in which every setting stands, with every row and channel.
FULL: dict[str, Any] = {
    "version": 2,
    "sub": "sub-1",
    "exchanges": {
        "coinbase": {
            "enabled": True,
            "ApiKeyEnvironmentVariableName": "A",
            "SecretEnvironmentVariableName": "B",
            "PasswordEnvironmentVariableName": "C",
        }
    },
    "load_positions_from_exchange": True,
    "position_symbols": [{"symbol": "XRP-USD", "exchange": "coinbase"}],
    "watchlist": [{"symbol": "XRP-USD", "exchange": "coinbase"}],
    "notifications": {
        "email": {"enabled": True, "address": "bela@example.org"},
        "discord": {"enabled": True, "webhook_url_environment_variable": "D"},
        "push": {"enabled": True, "url_environment_variable": "E"},
    },
    "schedule": [
        {"at": "10:00", "command": "switch-mode", "payload": {"mode": "scalper-orderbook"}}
    ],
}


# ------------------------------------------------------------------ the JSON Schema
def fields_of(section: type[Section], at: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every field of a section and of the sections in it."""
    for name, field in section.model_fields.items():
        yield f"{at}/{field.alias or name}", field
        for below in sections_in(field.annotation):
            yield from fields_of(below, f"{at}/{field.alias or name}")


def sections_in(kind: Any) -> Iterator[type[Section]]:
    """The sections that a type is made of."""
    if isinstance(kind, type) and issubclass(kind, Section):
        yield kind
    for part in getattr(kind, "__args__", ()):
        yield from sections_in(part)


FIELDS = dict(fields_of(Settings))


def nodes(node: Any) -> Iterator[Node]:
    """Every object in a schema that describes something."""
    if isinstance(node, dict):
        yield node
        for key in ("properties", "items", "additionalProperties"):
            members = node.get(key)
            for member in members.values() if key == "properties" and members else [members]:
                yield from nodes(member)


def test_no_field_is_missing_in_the_schema() -> None:
    settings = {re.sub(r"/\{(row|name)\}", "", place) for place in LEAVES}
    sections = {place for place in FIELDS if any(one.startswith(place + "/") for one in settings)}
    assert settings | sections == set(FIELDS)
    for place in (
        "/perseus_profile/trade_settings/blacklisted_geographies",
        "/livermore_runtime/logging/verbosity_level",
        "/exchanges/{name}/PasswordEnvironmentVariableName",
        "/position_refresh_hours",
        "/scanner/top_n",
        "/modes/position-monitor/alertThresholds/macdvCrossover",
    ):
        assert place in LEAVES


@pytest.mark.parametrize("place", LEAVES)
def test_every_setting_has_a_title_a_sentence_examples_and_its_moment(place: str) -> None:
    node = LEAVES[place]
    assert node["title"]
    assert re.fullmatch(r"[A-Z].*\.", node["description"])
    assert node["examples"]
    assert Applies(node["x-applies"])
    assert node.get("x-effect", "recorded only") == "recorded only"


@pytest.mark.parametrize("place", LEAVES)
def test_every_setting_has_bounds(place: str) -> None:
    node = LEAVES[place]
    if node["type"] == "array":
        assert "maxItems" in node
        node = node["items"]
    if {"enum", "const"} & node.keys() or node["type"] == "boolean":
        return
    if node["type"] == "string":
        assert {"pattern", "maxLength"} & node.keys()
    else:
        assert node["type"] in {"integer", "number"}
        assert {"minimum", "maximum"} <= node.keys()


@pytest.mark.parametrize("place", FIELDS)
def test_every_example_is_valid(place: str) -> None:
    field = FIELDS[place]
    adapter: TypeAdapter[Any] = TypeAdapter(field.rebuild_annotation())
    for example in field.examples or ():
        adapter.validate_json(json.dumps(example), strict=True)


def test_every_section_says_what_it_is_and_when_it_applies() -> None:
    for field in FIELDS.values():
        assert field.title
        assert str(field.description).endswith(".")
    for node in nodes(json_schema()):
        assert Applies(node["x-applies"])


def test_the_schema_refers_nowhere_and_knows_no_null() -> None:
    text = json.dumps(json_schema())
    assert "$ref" not in text
    assert "null" not in text
    assert json_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_object_in_the_schema_refuses_unknown_keys() -> None:
    for node in nodes(json_schema()):
        if node["type"] == "object":
            assert node["additionalProperties"] is False or "enum" in node["propertyNames"]


def test_changing_a_schema_one_was_given_changes_it_for_nobody_else() -> None:
    json_schema()["properties"].clear()
    assert json_schema()["properties"]


# ------------------------------------------------------------------ places
@pytest.mark.parametrize(
    ("path", "applies"),
    [
        ("", Applies.AT_ONCE),
        ("/watchlist", Applies.AT_ONCE),
        ("/watchlist/0", Applies.AT_ONCE),
        ("/watchlist/12/categories/0", Applies.AT_ONCE),
        ("/scanner", Applies.NEXT_REFRESH),
        ("/scanner/exclude/3", Applies.NEXT_REFRESH),
        ("/position_min_value_usd", Applies.NEXT_REFRESH),
        ("/position_symbols/0/symbol", Applies.AT_ONCE),
        ("/livermore_runtime/auto_start", Applies.AT_ONCE),
        ("/livermore_runtime/logging", Applies.NEXT_START),
        ("/livermore_runtime/logging/verbosity_level", Applies.NEXT_START),
        ("/exchanges/kucoin/defaults/risk_tolerance", Applies.AT_ONCE),
        ("/modes/scalper-macdv/levels/0", Applies.AT_ONCE),
        ("/scanner/unknown/deeper", Applies.NEXT_REFRESH),
        ("/nothing", Applies.AT_ONCE),
    ],
)
def test_a_change_at_any_place_says_when_it_applies(path: str, applies: Applies) -> None:
    assert applies_at(path) is applies


def test_every_setting_applies_when_its_own_node_says() -> None:
    for place, node in LEAVES.items():
        path = place.replace("{name}", "kucoin").replace("{row}", "7")
        assert applies_at(path) == node["x-applies"]


def test_the_keys_of_an_object_are_known_wherever_it_stands() -> None:
    assert keys_at(["exchanges"]) == ("coinbase", "binance", "kucoin")
    assert "categories" in keys_at(["watchlist", 3])
    assert "mode" in keys_at(["schedule", 0, "payload"])
    assert keys_at(["position_min_value_usd"]) == keys_at(["nowhere", "at all"]) == ()


def test_the_nearest_key_is_the_one_that_resembles_most() -> None:
    assert nearest("watchlst", keys_at(())) == "watchlist"
    assert nearest("watchlst", ()) is None


# ------------------------------------------------------------------ whether it is true
def acts_on(document: Any) -> Any:
    """Everything that the program does by a document, as far as anything acts on it.

    Whoever makes a setting act adds here what it acts on; the test below then asks for its
    "recorded only" to be taken away.
    """
    settings = parse_stored(json.dumps(document))
    held = {Market(exchange, "BTC-USD"): Decimal(100) for exchange in ("coinbase", "kucoin")}
    plans = []
    for mode in Mode:
        if mode.is_implemented:
            plan = plan_of(settings, mode, held)
            rules = plan.rules
            acted = (rules.kinds, rules.levels, rules.cooldown_seconds)
            plans.append((plan.markets, plan.timeframes, acted, plan.holdings, plan.indicators))
    at = datetime(2026, 9, 30, 12, tzinfo=UTC)
    ways = [
        routes(alert, settings, (), at + timedelta(hours=hours))
        for alert in (
            Alert(kind=SYSTEM),
            *(
                Alert(kind=kind, timeframe=timeframe, level=level)
                for kind in SignalKind
                for timeframe in Timeframe
                for level in (150.0, 300.0)
            ),
        )
        for hours in range(0, 7 * 24, 3)
    ]
    email, discord = settings.notifications.email, settings.notifications.discord
    return (
        ways,
        email and email.address,
        discord and discord.chart,
        settings.notifications.digest,
        settings.notifications.kept_days,
        reader_of(settings),
        settings.sub,
        settings.version,
        settings.livermore_runtime.auto_start,
        plans,
        named(settings),
        primary_exchange(settings),  # where a command's symbol is without another word
        sources(settings),
        settings.scanner.enabled,
        criteria_of(settings),
        [(next_after(row, EVE), row.command, row.payload) for row in settings.schedule],
    )


def other_values(node: Node) -> Iterator[Any]:
    """Values that a setting may have, beside the one that it has."""
    yield from node["examples"]
    yield from node.get("enum", ())


@pytest.mark.parametrize("place", [place for place in LEAVES if place != "/version"])
def test_a_setting_is_recorded_only_exactly_where_nothing_acts_on_it(place: str) -> None:
    node = LEAVES[place]
    path = place.replace("{name}", "coinbase").replace("{row}", "0")
    base = parse_stored(json.dumps(FULL)).to_document()
    before = acts_on(base)
    acts = any(acts_on(set_at(base, path, value)) != before for value in other_values(node))
    assert acts == ("x-effect" not in node)
