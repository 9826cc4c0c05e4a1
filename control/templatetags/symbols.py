"""How the symbols page writes what is its own. The same rules as ``js/symbols/words.js``."""

from __future__ import annotations

from urllib.parse import urlencode

from django import template
from django.urls import reverse

from control.pages.symbol_table import StageCell
from control.templatetags.livermore import signed, words
from trading.core.market import Market

register = template.Library()

STEPS = ((1e9, "B"), (1e6, "M"), (1e3, "k"))
CHART_TIMEFRAME = "1h"


@register.filter
def compact(value: float) -> str:
    """A volume in three or four figures: 1.70 B, 659.3 M, 12 k."""
    for step, letter in STEPS:
        if value >= step:
            size = value / step
            return f"{size:.2f} {letter}" if size < 10 else f"{size:.1f} {letter}"
    return f"{value:.0f}"


@register.filter
def chart_address(market: Market) -> str:
    """Where the chart of a market is."""
    names = {"exchange": market.exchange, "symbol": market.symbol, "timeframe": CHART_TIMEFRAME}
    return f"{reverse('admin:chart')}?{urlencode(names)}"


@register.filter
def told(one: StageCell) -> str:
    """A cell in words: timeframe, stage and MACD-V."""
    cell = one.cell
    if cell.v is None:
        is_idle = cell.liquidity == "low"
        said = "low trading activity" if is_idle else words(cell.stage or "nothing known")
        return f"{one.timeframe} {said}"
    return f"{one.timeframe} {words(cell.stage or '')} {signed(cell.v)}"
