"""What a runtime can be asked to do."""

from __future__ import annotations

from trading.core.modes import Mode, SignalKind, SignalRules


def test_order_book_scalping_is_named_but_not_implemented() -> None:
    assert [mode for mode in Mode if not mode.is_implemented] == [Mode.SCALPER_ORDERBOOK]


def test_rules_look_for_every_kind_from_a_hundred_bars_on() -> None:
    rules = SignalRules()

    assert rules.kinds == set(SignalKind)
    assert list(rules.levels) == [150.0, 200.0, 250.0, 300.0, 350.0, 400.0]
    assert (rules.cooldown_seconds, rules.minimum_bars) == (300, 100)
