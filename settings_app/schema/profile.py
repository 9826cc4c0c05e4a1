"""Who the trader is and how they trade: ``perseus_profile``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from settings_app.schema.fields import (
    Currency,
    DaysText,
    ExchangeName,
    HoursText,
    Line,
    Locale,
    Percentage,
    Section,
    Text,
    TimeframesText,
    Timezone,
    about,
)

RiskTolerance = Literal["low", "medium", "high"]


class TradeSettings(Section):
    """Reference values for alerts. Livermore never places an order."""

    trading_strategy: Annotated[
        Line,
        about("Strategy", "Your own name for how you trade.", recorded_only=True),
    ] = "macdv-momentum"
    preferred_geographies: Annotated[
        Text,
        about("Preferred regions", "Regions whose assets you prefer.", recorded_only=True),
    ] = ""
    blacklisted_geographies: Annotated[
        Text,
        about("Excluded regions", "Regions whose assets you avoid.", recorded_only=True),
    ] = ""
    trading_hours_utc: Annotated[
        HoursText,
        about(
            "Trading hours",
            "When you trade; a range that ends earlier than it begins runs past midnight.",
            unit="UTC",
            recorded_only=True,
        ),
    ] = "00:00-24:00"
    trading_days: Annotated[
        DaysText,
        about("Trading days", "On which days you trade, in UTC.", recorded_only=True),
    ] = "mon-sun"
    max_daily_trades: Annotated[
        int,
        Field(ge=0, le=10_000),
        about(
            "Trades a day",
            "The most trades you mean to make in a day; 0 means no limit.",
            unit="trades",
            recorded_only=True,
        ),
    ] = 0
    stop_loss_percentage: Annotated[
        Percentage,
        Field(le=100),
        about(
            "Stop loss",
            "A position's price alert fires when it has lost this much of its cost basis.",
            unit="%",
        ),
    ] = 2.5
    take_profit_percentage: Annotated[
        Percentage,
        about(
            "Take profit",
            "A position's price alert fires when it has gained this much on its cost basis.",
            unit="%",
        ),
    ] = 5.0
    preferred_timeframes: Annotated[
        TimeframesText,
        about(
            "Preferred timeframes",
            "The timeframes you look at first.",
            recorded_only=True,
        ),
    ] = "15m,1h,4h"


class Profile(Section):
    """How names, times and numbers appear to the trader."""

    public_name: Annotated[
        Line,
        Field(min_length=1),
        about("Display name", "Shown in the header and in alerts."),
    ] = "Trader"
    description: Annotated[
        Text, about("Description", "A note about this account.", recorded_only=True)
    ] = ""
    primary_exchange: Annotated[
        ExchangeName,
        about("Primary exchange", "Where a symbol is looked for when nothing else is said."),
    ] = "coinbase"
    trading_mode: Annotated[
        Literal["paper", "live"],
        about("Account", "Labels alerts; changes nothing else.", recorded_only=True),
    ] = "paper"
    currency: Annotated[
        Currency, about("Currency", "The currency in which you think.", recorded_only=True)
    ] = "USD"
    timezone: Annotated[
        Timezone,
        about("Time zone", "All times on the pages; candles stay anchored to UTC."),
    ] = "UTC"
    locale: Annotated[Locale, about("Locale", "How numbers and dates are written.")] = "en-US"
    date_format: Annotated[
        Literal["YYYY-MM-DD", "DD.MM.YYYY", "DD/MM/YYYY", "MM/DD/YYYY", "D MMM YYYY"],
        about("Date", "How dates are written."),
    ] = "YYYY-MM-DD"
    time_format: Annotated[
        Literal["24h", "12h"], about("Clock", "How times of day are written.")
    ] = "24h"
    risk_tolerance: Annotated[
        RiskTolerance,
        about("Risk tolerance", "How much risk you mean to take.", recorded_only=True),
    ] = "medium"
    investment_style: Annotated[
        Literal["conservative", "balanced", "aggressive"],
        about("Investment style", "How you mean to invest.", recorded_only=True),
    ] = "balanced"
    trade_settings: Annotated[
        TradeSettings,
        about("Trading", "Reference values for alerts. Livermore never places an order."),
    ] = TradeSettings()
