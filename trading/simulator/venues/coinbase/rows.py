"""The JSON objects of Coinbase Advanced Trade, each made of the world's integers.

Rule 1: one function, one object; no envelope and no error here.

Field lists: https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis (read 2026-11), held
against production answers of April to September 2026; the shapes are in the tests.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from trading.simulator.book import Depth
from trading.simulator.catalog import SECONDS_A_DAY, Product
from trading.simulator.clock import rfc3339
from trading.simulator.tape import Bar, Print
from trading.simulator.world import Statistics

Row = dict[str, Any]

_NEW_AT_LEAST = "2023-01-01T00:00:00Z"  # older listings all show this date
_NEW_DAYS = 30

# The ``user`` channel's snapshot: nobody ever orders anything here.
NO_ORDERS: Row = {
    "type": "snapshot",
    "orders": [],
    "positions": {
        "perpetual_futures_positions": [],
        "expiring_futures_positions": [],
        "prediction_market_positions": [],
    },
}


def streamable(product: Product) -> bool:
    """Whether the WebSocket knows it."""
    return product.state == "online"


def trade(product: Product, printed: Print) -> Row:
    """A trade of ``market_trades``. ``side`` is the maker's: a buying taker met a seller."""
    return {
        "product_id": product.product_id,
        "trade_id": str(printed.trade_id),
        "price": product.price_step.write(printed.price),
        "size": product.size_step.write(printed.size),
        "time": rfc3339(printed.time_us * 1_000),
        "side": "SELL" if printed.taker_buys else "BUY",
    }


def rest_trade(product: Product, printed: Print) -> Row:
    """A trade of the REST ticker."""
    return trade(product, printed) | {"bid": "", "ask": "", "exchange": "coinbase"}


def rest_candle(product: Product, bar: Bar) -> Row:
    """A candle of REST."""
    price = product.price_step.write
    return {
        "start": str(bar.opened_at),
        "low": price(bar.low),
        "high": price(bar.high),
        "open": price(bar.open),
        "close": price(bar.close),
        "volume": product.size_step.write(bar.volume),
    }


def candle(product: Product, bar: Bar) -> Row:
    """A candle of the ``candles`` channel."""
    return rest_candle(product, bar) | {"product_id": product.product_id}


def ticker_batch(product: Product, statistics: Statistics, year: tuple[int, int]) -> Row:
    """A ticker of ``ticker_batch``: without the best bid and ask."""
    price = product.price_step.write
    return {
        "type": "ticker",
        "product_id": product.product_id,
        "price": price(statistics.price or 0),
        "volume_24_h": product.size_step.write(statistics.volume),
        "low_24_h": price(statistics.low),
        "high_24_h": price(statistics.high),
        "low_52_w": price(year[0]),
        "high_52_w": price(year[1]),
        "price_percent_chg_24_h": _percent(statistics.price, statistics.price_before),
    }


def ticker(product: Product, statistics: Statistics, year: tuple[int, int], depth: Depth) -> Row:
    """A ticker of ``ticker``."""
    return ticker_batch(product, statistics, year) | {
        "best_bid": product.price_step.write(depth.bids[0][0]),
        "best_ask": product.price_step.write(depth.asks[0][0]),
        "best_bid_quantity": product.size_step.write(depth.bids[0][1]),
        "best_ask_quantity": product.size_step.write(depth.asks[0][1]),
    }


def level(product: Product, side: str, price: int, size: int, event_time: str) -> Row:
    """One price level of ``l2_data``: the quantity is absolute, "0" removes the level."""
    return {
        "side": side,
        "event_time": event_time,
        "price_level": product.price_step.write(price),
        "new_quantity": product.size_step.write(size),
    }


def rest_level(product: Product, price: int, size: int) -> Row:
    """One price level of the REST product book."""
    return {"price": product.price_step.write(price), "size": product.size_step.write(size)}


def status(product: Product) -> Row:
    """A product of the ``status`` channel."""
    return {
        "product_type": product.kind.upper(),
        "id": product.product_id,
        "base_currency": product.base,
        "quote_currency": product.quote,
        "base_increment": product.size_step.text,
        "quote_increment": product.price_step.text,
        "display_name": f"{product.base}/{product.quote}",
        "status": "delisted" if product.state == "delisted" else "online",
        "status_message": "",
        "min_market_funds": "1",
    }


def rest_product(product: Product, statistics: Statistics, aliases: list[str], now_us: int) -> Row:
    """A complete product of REST, with the fields of September 2026."""
    future = product.kind == "future"
    idle = product.state in {"delisted", "disabled"}
    row: Row = {
        "product_id": product.product_id,
        "price": _written(product, statistics.price),
        "price_percentage_change_24h": _percent(statistics.price, statistics.price_before),
        "volume_24h": product.size_step.write(statistics.volume),
        "volume_percentage_change_24h": _percent(statistics.volume, statistics.volume_before),
        "base_increment": product.size_step.text,
        "quote_increment": "0.01" if future else product.price_step.text,
        "quote_min_size": "0" if future else "1",
        "quote_max_size": "100000000" if future else "150000000",
        "base_min_size": product.size_step.text,
        "base_max_size": "5000" if future else str(max(int(product.turnover / product.price), 1)),
        "base_name": product.base_name,
        "quote_name": product.quote_name,
        "watched": False,
        "is_disabled": idle,
        "new": 0 <= now_us // 1_000_000 // SECONDS_A_DAY - product.first_day < _NEW_DAYS,
        "status": "" if future else ("delisted" if product.state == "delisted" else "online"),
        "cancel_only": False,
        "limit_only": False,
        "post_only": False,
        "trading_disabled": idle,
        "auction_mode": False,
        "product_type": product.kind.upper(),
        "quote_currency_id": product.quote,
        "base_currency_id": product.base,
        "fcm_trading_session_details": _session_details(now_us) if future else None,
        "mid_market_price": _written(product, statistics.price) if future else "",
        "alias": product.alias_of or "",
        "alias_to": aliases,
        "base_display_symbol": product.base,
        "quote_display_symbol": "USD" if product.quote == "USDC" else product.quote,
        "view_only": product.state == "view_only",
        "price_increment": product.price_step.text,
        "display_name": product.display_name,
        "product_venue": "CBE" if not future else _future_venue(product),
        "approximate_quote_24h_volume": _turnover(product, statistics),
        "new_at": None if future else max(_NEW_AT_LEAST, _date(product.first_day)),
        "high_24h": _written(product, statistics.high),
        "low_24h": _written(product, statistics.low),
        "hidden_from_discovery": False,
        "is_alpha_testing": False,
    }
    row |= dict.fromkeys(_EMPTY_TEXTS, "")
    if future:
        row["future_product_details"] = _future_details(product, statistics, now_us)
    return row


_EMPTY_TEXTS = (
    "market_cap",
    "base_cbrn",
    "quote_cbrn",
    "product_cbrn",
    "icon_color",
    "icon_url",
    "display_name_overwrite",
    "about_description",
    "best_bid_price",
    "best_ask_price",
)


def _session_details(now_us: int) -> Row:
    day = now_us // 1_000_000 // SECONDS_A_DAY
    return {
        "is_session_open": True,
        "open_time": _date(day - 1).replace("T00", "T21"),
        "close_time": _date(day).replace("T00", "T21"),
        "session_state": "FCM_TRADING_SESSION_STATE_OPEN",
        "after_hours_order_entry_disabled": False,
        "closed_reason": "FCM_TRADING_SESSION_CLOSED_REASON_EXCHANGE_MAINTENANCE",
        "maintenance": {
            "start_time": _date(day + 10).replace("T00", "T14"),
            "end_time": _date(day + 10).replace("T00", "T17"),
        },
    }


def _future_details(product: Product, statistics: Statistics, now_us: int) -> Row:
    code, _, rest = product.product_id.partition("-")
    root = product.display_name.partition(" ")[0]
    expiry = datetime(2030 if "30" in rest else 2026, 12, 20, 16, tzinfo=UTC)
    interest = str(product.trades_a_day * 3)
    left_ms = max(int(expiry.timestamp() * 1_000) - now_us // 1_000, 0)
    return {
        "venue": "cde" if rest.endswith("-CDE") else "intx",
        "contract_code": code,
        "contract_expiry": expiry.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "contract_size": f"{product.contract:g}",
        "contract_root_unit": root,
        "group_description": f"nano {root} Futures",
        "contract_expiry_timezone": "Europe/London",
        "group_short_description": f"nano {root}",
        "risk_managed_by": "MANAGED_BY_FCM",
        "contract_expiry_type": "EXPIRING" if rest.endswith("-CDE") else "PERPETUAL",
        "perpetual_details": {
            "open_interest": interest,
            "funding_rate": "",
            "funding_time": None,
            "max_leverage": "",
            "base_asset_uuid": "",
            "underlying_type": "",
        },
        "contract_display_name": product.display_name,
        "time_to_expiry_ms": str(left_ms),
        "non_crypto": False,
        "contract_expiry_name": expiry.strftime("%Y-%m"),
        "twenty_four_by_seven": True,
        "funding_interval": "3600s",
        "open_interest": interest,
        "funding_rate": "0.000013",
        "funding_time": _date(now_us // 1_000_000 // SECONDS_A_DAY),
        "display_name": product.display_name,
        "region_enabled": {},
        "intraday_margin_rate": {"long_margin_rate": "0.1", "short_margin_rate": "0.1"},
        "overnight_margin_rate": {"long_margin_rate": "0.245", "short_margin_rate": "0.306"},
        "settlement_price": _written(product, statistics.price_before),
        "futures_asset_type": "FUTURES_ASSET_TYPE_CRYPTO",
        "index_price": _written(product, statistics.price),
        "contract_code_display_name": "",
        "product_group_cbrn": "",
    }


def _future_venue(product: Product) -> str:
    return "FCM" if product.product_id.endswith("-CDE") else "INTX"


def _written(product: Product, price: int | None) -> str:
    return product.price_step.write(price) if price else ""


def _percent(now: int | None, before: int | None) -> str:
    if not now or not before:
        return "0"
    return f"{(now / before - 1.0) * 100.0:.14f}".rstrip("0").rstrip(".")


def _turnover(product: Product, statistics: Statistics) -> str:
    price = (statistics.price or 0) * product.price_step.value
    turnover = statistics.volume * product.size_step.value * product.contract * price
    return f"{turnover:.2f}".rstrip("0").rstrip(".")


def _date(day: int) -> str:
    return rfc3339(day * SECONDS_A_DAY * 1_000_000_000)
