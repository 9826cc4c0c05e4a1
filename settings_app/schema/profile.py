"""Who the trader is and how they trade: ``perseus_profile``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from settings_app.schema.fields import (
    Currency,
    DaysText,
    ExchangeName,
    GainPercentage,
    HoursText,
    Line,
    Locale,
    LossPercentage,
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
        about(
            "Strategy",
            "Your own name for how you trade.",
            examples=("macdv-momentum", "breakout"),
            recorded_only=True,
        ),
    ] = "macdv-momentum"
    preferred_geographies: Annotated[
        Text,
        about(
            "Preferred regions",
            "Regions whose assets you prefer.",
            examples=("US, EU",),
            recorded_only=True,
        ),
    ] = ""
    blacklisted_geographies: Annotated[
        Text,
        about(
            "Excluded regions",
            "Regions whose assets you avoid.",
            examples=("KP",),
            recorded_only=True,
        ),
    ] = ""
    trading_hours_utc: Annotated[
        HoursText,
        about(
            "Trading hours",
            "When signals are sent to you: outside of it they are recorded only. A range that ends "
            "earlier than it begins runs past midnight, and belongs to the day on which it began.",
            unit="UTC",
            examples=("13:30-20:00", "22:00-06:00"),
        ),
    ] = "00:00-24:00"
    trading_days: Annotated[
        DaysText,
        about(
            "Trading days",
            "On which days signals are sent to you, in UTC; on others they are recorded only.",
            examples=("mon-fri", "mon,wed"),
        ),
    ] = "mon-sun"
    max_daily_trades: Annotated[
        int,
        Field(ge=0, le=10_000),
        about(
            "Trades a day",
            "The most trades you mean to make in a day; 0 means no limit.",
            unit="trades",
            examples=(12,),
            recorded_only=True,
        ),
    ] = 0
    stop_loss_percentage: Annotated[
        LossPercentage,
        about(
            "Stop loss",
            "A position's price alert fires when it has lost this much of its cost basis.",
            unit="%",
            examples=(4.5,),
        ),
    ] = 2.5
    take_profit_percentage: Annotated[
        GainPercentage,
        about(
            "Take profit",
            "A position's price alert fires when it has gained this much on its cost basis.",
            unit="%",
            examples=(9.0,),
        ),
    ] = 5.0
    preferred_timeframes: Annotated[
        TimeframesText,
        about(
            "Preferred timeframes",
            "The timeframes you look at first.",
            examples=("1m,5m", "1d"),
            recorded_only=True,
        ),
    ] = "15m,1h,4h"


class Profile(Section):
    """How names, times and numbers appear to the trader."""

    public_name: Annotated[
        Line,
        Field(min_length=1),
        about(
            "Display name",
            "Your name, for whoever reads this document.",
            examples=("Anna",),
            recorded_only=True,
        ),
    ] = "Trader"
    description: Annotated[
        Text,
        about(
            "Description",
            "A note about this account.",
            examples=("Swing trader, evenings",),
            recorded_only=True,
        ),
    ] = ""
    primary_exchange: Annotated[
        ExchangeName,
        about(
            "Primary exchange",
            "Where a symbol is looked for when nothing else is said.",
            examples=("coinbase", "kucoin"),
        ),
    ] = "coinbase"
    trading_mode: Annotated[
        Literal["paper", "live"],
        about(
            "Account",
            "Whether you practise or use real money: a note of yours.",
            examples=("live",),
            recorded_only=True,
        ),
    ] = "paper"
    currency: Annotated[
        Currency,
        about(
            "Currency",
            "The currency in which you think.",
            examples=("EUR", "USDT"),
            recorded_only=True,
        ),
    ] = "USD"
    timezone: Annotated[
        Timezone,
        about(
            "Time zone",
            "Times on the pages, and in alerts beside UTC; candles stay anchored to UTC.",
            examples=("Europe/Berlin", "America/New_York"),
        ),
    ] = "UTC"
    locale: Annotated[
        Locale,
        about(
            "Locale",
            "How numbers and dates are written in alerts.",
            examples=("en-GB", "de"),
        ),
    ] = "en-US"
    date_format: Annotated[
        Literal["YYYY-MM-DD", "DD.MM.YYYY", "DD/MM/YYYY", "MM/DD/YYYY", "D MMM YYYY"],
        about(
            "Date", "How dates are written on the pages and in alerts.", examples=("DD.MM.YYYY",)
        ),
    ] = "YYYY-MM-DD"
    time_format: Annotated[
        Literal["24h", "12h"],
        about(
            "Clock", "How times of day are written on the pages and in alerts.", examples=("12h",)
        ),
    ] = "24h"
    risk_tolerance: Annotated[
        RiskTolerance,
        about(
            "Risk tolerance",
            "How much risk you mean to take.",
            examples=("low",),
            recorded_only=True,
        ),
    ] = "medium"
    investment_style: Annotated[
        Literal["conservative", "balanced", "aggressive"],
        about(
            "Investment style",
            "How you mean to invest.",
            examples=("conservative",),
            recorded_only=True,
        ),
    ] = "balanced"
    trade_settings: Annotated[
        TradeSettings,
        about("Trading", "Reference values for alerts. Livermore never places an order."),
    ] = TradeSettings()
