"""What every Coinbase frame and body is made of: each field and its JSON type.

Facts only, written down by hand after looking at production in 2026; the recordings themselves
are other people's and stay where they are. After each shape stands when production was seen
sending it. A test holds every frame of the simulator against this table.

``TEXT``, ``NUMBER``, ``FLAG`` and ``NULL`` are JSON types, ``Either`` is a choice, ``[shape]`` a
list of one kind of element, a mapping with the key ``*`` one with free keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

TEXT, NUMBER, FLAG, NULL = "string", "integer", "boolean", "null"


@dataclass(frozen=True)
class Either:
    """One of several shapes."""

    options: tuple[Any, ...]


def _texts(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, TEXT)


def _flags(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, FLAG)


def _frame(event: Any) -> dict[str, Any]:
    """An envelope of the public endpoint: no ``client_id`` since 2026. Seen 2026-06, -09."""
    return {
        **_texts("channel", "timestamp"),
        "sequence_num": NUMBER,
        "events": [event],
    }


def _event(rows: str, row: Any) -> dict[str, Any]:
    return {"type": TEXT, rows: [row]}


# ---------------------------------------------------------------------------- WebSocket

TRADE = _texts("product_id", "trade_id", "price", "size", "time", "side")  # 2026-06, 2026-09
CANDLE = _texts("start", "high", "low", "open", "close", "volume", "product_id")  # 2026-01
TICKER_BATCH = _texts(  # documentation, 2026-11
    "type",
    "product_id",
    "price",
    "volume_24_h",
    "low_24_h",
    "high_24_h",
    "low_52_w",
    "high_52_w",
    "price_percent_chg_24_h",
)
TICKER = TICKER_BATCH | _texts(  # 2026-06, 2026-09
    "best_bid", "best_ask", "best_bid_quantity", "best_ask_quantity"
)
LEVEL = _texts("side", "event_time", "price_level", "new_quantity")  # 2026-09
STATUS = _texts(  # documentation, 2026-11
    "product_type",
    "id",
    "base_currency",
    "quote_currency",
    "base_increment",
    "quote_increment",
    "display_name",
    "status",
    "status_message",
    "min_market_funds",
)

FRAMES: dict[str, Any] = {
    "market_trades": _frame(_event("trades", TRADE)),
    "candles": _frame(_event("candles", CANDLE)),
    "ticker": _frame(_event("tickers", TICKER)),
    "ticker_batch": _frame(_event("tickers", TICKER_BATCH)),
    "l2_data": _frame({**_texts("type", "product_id"), "updates": [LEVEL]}),
    "status": _frame(_event("products", STATUS)),
    "heartbeats": _frame({"current_time": TEXT, "heartbeat_counter": NUMBER}),  # 2026-09
    "subscriptions": _frame({"subscriptions": {"*": [TEXT]}}),  # 2026-06, 2026-09
    "error": _texts("type", "message"),  # 2026-09; outside the envelope
}

# ---------------------------------------------------------------------------- REST

TIME = _texts("iso", "epochSeconds", "epochMillis")  # 2026-09
REST_CANDLES = {"candles": [_texts("start", "low", "high", "open", "close", "volume")]}  # 2026-09
REST_TICKER = {  # 2026-04
    "trades": [TRADE | _texts("bid", "ask", "exchange")],
    **_texts("best_bid", "best_ask"),
}
PRODUCT_BOOK = {  # 2026-04
    "pricebook": {
        **_texts("product_id", "time"),
        "bids": [_texts("price", "size")],
        "asks": [_texts("price", "size")],
    },
    **_texts("last", "mid_market", "spread_bps", "spread_absolute"),
}
_PRODUCT = {  # 2026-04; the three fields of 2026-09 are named below
    **_texts(
        "product_id",
        "price",
        "price_percentage_change_24h",
        "volume_24h",
        "volume_percentage_change_24h",
        "base_increment",
        "quote_increment",
        "quote_min_size",
        "quote_max_size",
        "base_min_size",
        "base_max_size",
        "base_name",
        "quote_name",
        "status",
        "product_type",
        "quote_currency_id",
        "base_currency_id",
        "mid_market_price",
        "alias",
        "base_display_symbol",
        "quote_display_symbol",
        "price_increment",
        "display_name",
        "product_venue",
        "approximate_quote_24h_volume",
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
    ),
    **_flags(
        "watched",
        "is_disabled",
        "new",
        "cancel_only",
        "limit_only",
        "post_only",
        "trading_disabled",
        "auction_mode",
        "view_only",
        "is_alpha_testing",
    ),
    "alias_to": [TEXT],
}
SINCE_SEPTEMBER = {**_texts("high_24h", "low_24h"), **_flags("hidden_from_discovery")}
PRODUCT = _PRODUCT | SINCE_SEPTEMBER | {"new_at": TEXT, "fcm_trading_session_details": NULL}
FUTURE = (
    _PRODUCT
    | SINCE_SEPTEMBER
    | {
        "new_at": NULL,
        "fcm_trading_session_details": {
            **_texts("open_time", "close_time", "session_state", "closed_reason"),
            **_flags("is_session_open", "after_hours_order_entry_disabled"),
            "maintenance": _texts("start_time", "end_time"),
        },
        "future_product_details": {
            **_texts(
                "venue",
                "contract_code",
                "contract_expiry",
                "contract_size",
                "contract_root_unit",
                "group_description",
                "contract_expiry_timezone",
                "group_short_description",
                "risk_managed_by",
                "contract_expiry_type",
                "contract_display_name",
                "time_to_expiry_ms",
                "contract_expiry_name",
                "open_interest",
                "funding_rate",
                "display_name",
                "settlement_price",
                "futures_asset_type",
                "index_price",
                "contract_code_display_name",
                "product_group_cbrn",
            ),
            **_flags("non_crypto", "twenty_four_by_seven"),
            "funding_interval": Either((TEXT, NULL)),
            "funding_time": Either((TEXT, NULL)),
            "region_enabled": {"*": FLAG},
            "intraday_margin_rate": _texts("long_margin_rate", "short_margin_rate"),
            "overnight_margin_rate": _texts("long_margin_rate", "short_margin_rate"),
            "perpetual_details": {
                **_texts(
                    "open_interest",
                    "funding_rate",
                    "max_leverage",
                    "base_asset_uuid",
                    "underlying_type",
                ),
                "funding_time": Either((TEXT, NULL)),
            },
        },
    }
)
PRODUCTS = {  # 2026-04
    "products": [Either((PRODUCT, FUTURE))],
    "num_products": NUMBER,
    "pagination": NULL,
}
ACCOUNT = {  # 2026-09
    **_texts(
        "uuid",
        "name",
        "currency",
        "created_at",
        "updated_at",
        "type",
        "retail_portfolio_id",
        "platform",
    ),
    **_flags("default", "active", "ready"),
    "deleted_at": Either((TEXT, NULL)),
    "available_balance": _texts("value", "currency"),
    "hold": _texts("value", "currency"),
}
ACCOUNTS = {"accounts": [ACCOUNT], "has_next": FLAG, "cursor": TEXT, "size": NUMBER}  # 2026-09
KEY_PERMISSIONS = {  # documentation, 2026-11
    **_flags("can_view", "can_trade", "can_transfer"),
    **_texts("portfolio_uuid", "portfolio_type"),
}
ERROR = _texts("error", "error_details", "message")  # 2026-08
ERROR_NOT_FOUND = _texts("error", "message")  # 2026-09
ERROR_RATE = {"errors": [_texts("id", "message")]}  # documentation, 2026-11

_TYPES: dict[type, str] = {str: TEXT, int: NUMBER, bool: FLAG, type(None): NULL}


def differences(value: Any, shape: Any, path: str = "$") -> list[str]:
    """Where a decoded JSON value departs from its shape, in words; empty when it does not."""
    match shape:
        case Either(options=options):
            tried = [differences(value, option, path) for option in options]
            return min(tried, key=len)
        case {"*": every}:
            shape = dict.fromkeys(value, every) if isinstance(value, dict) else {}
            return _of_mapping(value, shape, path)
        case dict():
            return _of_mapping(value, shape, path)
        case [element]:
            if not isinstance(value, list):
                return [f"{path}: must be a list, was {type(value).__name__}"]
            found = (differences(each, element, f"{path}[{n}]") for n, each in enumerate(value))
            return [difference for some in found for difference in some]
    actual = _TYPES.get(type(value), type(value).__name__)
    return [] if actual == shape else [f"{path}: must be {shape}, was {actual}"]


def _of_mapping(value: Any, shape: dict[str, Any], path: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{path}: must be an object, was {type(value).__name__}"]
    found = [f"{path}.{name}: missing" for name in shape.keys() - value.keys()]
    found += [f"{path}.{name}: unknown" for name in value.keys() - shape.keys()]
    for name in shape.keys() & value.keys():
        found += differences(value[name], shape[name], f"{path}.{name}")
    return found
