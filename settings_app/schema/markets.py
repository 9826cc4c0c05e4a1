"""Where and what to watch: exchanges, positions, the watchlist and the scanner."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings_app.schema.fields import (
    NO_MINUS_ZERO,
    UNIQUE,
    Applies,
    Asset,
    Category,
    ExchangeName,
    GainPercentage,
    Line,
    LossPercentage,
    Section,
    Symbol,
    VariableName,
    about,
)
from settings_app.schema.profile import RiskTolerance

MOST_SYMBOLS = 2_000


class ExchangeDefaults(Section):
    """Risk and strategy on one exchange, where they differ from the profile's."""

    risk_tolerance: Annotated[
        RiskTolerance | None,
        about(
            "Risk tolerance", "How much risk you take here.", examples=("high",), recorded_only=True
        ),
    ] = None
    trading_strategy: Annotated[
        Line | None,
        about("Strategy", "How you trade here.", examples=("breakout",), recorded_only=True),
    ] = None
    stop_loss_percentage: Annotated[
        LossPercentage | None,
        about(
            "Stop loss",
            "The price alert's loss for positions held here.",
            unit="%",
            examples=(4.5,),
        ),
    ] = None
    take_profit_percentage: Annotated[
        GainPercentage | None,
        about(
            "Take profit",
            "The price alert's gain for positions held here.",
            unit="%",
            examples=(9.0,),
        ),
    ] = None


class ExchangeSettings(Section):
    """One exchange: whether it is used, and the names of the variables that hold its keys.

    Market data is public. Keys are needed for positions only.
    """

    enabled: Annotated[
        bool, about("Enabled", "Whether its markets are watched.", examples=(True, False))
    ] = False
    api_key_environment_variable_name: Annotated[
        VariableName | None,
        about(
            "Key",
            "Name of the environment variable that holds the key; the worker reports whether it "
            "is set.",
            examples=("COINBASE_KEY",),
            alias="ApiKeyEnvironmentVariableName",
        ),
    ] = None
    secret_environment_variable_name: Annotated[
        VariableName | None,
        about(
            "Secret",
            "Name of the environment variable that holds the secret; needed beside the key.",
            examples=("COINBASE_SECRET",),
            alias="SecretEnvironmentVariableName",
        ),
    ] = None
    password_environment_variable_name: Annotated[
        VariableName | None,
        about(
            "Passphrase",
            "Name of the environment variable that holds the passphrase; KuCoin needs one.",
            examples=("KUCOIN_PASSPHRASE",),
            alias="PasswordEnvironmentVariableName",
        ),
    ] = None
    defaults: Annotated[
        ExchangeDefaults,
        about("Defaults", "What differs here from the profile."),
    ] = ExchangeDefaults()


class MarketName(Section):
    """One instrument on one exchange."""

    symbol: Annotated[Symbol, about("Symbol", "Base and quote.", examples=("BTC-USD", "ETH-USDT"))]
    exchange: Annotated[
        ExchangeName, about("Exchange", "Where it is traded.", examples=("coinbase", "kucoin"))
    ]


class WatchlistEntry(MarketName):
    """One row of the watchlist."""

    enabled: Annotated[
        bool,
        about("On", "Off keeps the row without watching the symbol.", examples=(True, False)),
    ] = True
    categories: Annotated[
        tuple[Category, ...],
        Field(max_length=10),
        UNIQUE,
        about(
            "Categories",
            "Your own tags.",
            examples=(["high-cap", "layer 1"],),
            recorded_only=True,
        ),
    ] = ()


Watchlist = Annotated[
    tuple[WatchlistEntry, ...],
    Field(max_length=MOST_SYMBOLS),
    about(
        "Watchlist",
        "The symbols to watch, in the order in which they are shown.",
        examples=([{"symbol": "BTC-USD", "exchange": "coinbase", "categories": ["high-cap"]}],),
        applies=Applies.AT_ONCE,
    ),
]
PositionSymbols = Annotated[
    tuple[MarketName, ...],
    Field(max_length=MOST_SYMBOLS),
    about(
        "Positions by hand",
        "Symbols that count as held although no exchange reports them.",
        examples=([{"symbol": "BTC-USD", "exchange": "coinbase"}],),
        applies=Applies.AT_ONCE,
    ),
]
LoadPositions = Annotated[
    bool,
    about(
        "Load positions",
        "Whether positions are read from the exchanges that have keys. While it is off, what was "
        "read before does not count as held.",
        examples=(True, False),
        applies=Applies.AT_ONCE,
    ),
]
PositionMinimum = Annotated[
    float,
    Field(ge=0, le=1_000_000_000),
    NO_MINUS_ZERO,
    about(
        "Smallest position",
        "Positions worth less are left out.",
        unit="USD",
        examples=(25.0,),
        applies=Applies.NEXT_REFRESH,
    ),
]
PositionRefresh = Annotated[
    float,
    Field(ge=0.25, le=168),
    about(
        "Refresh positions every",
        "How often positions are read from the exchanges.",
        unit="hours",
        examples=(0.25, 24.0),
        applies=Applies.NEXT_REFRESH,
    ),
]


class Scanner(Section):
    """What the scanner proposes. Nothing is added without approval."""

    enabled: Annotated[
        bool,
        about(
            "Enabled",
            "Whether a scan is made every day; asked for, it is made anyway.",
            examples=(True, False),
        ),
    ] = False
    exchange: Annotated[
        ExchangeName,
        about("Exchange", "Whose markets are scanned.", examples=("coinbase", "binance")),
    ] = "coinbase"
    quote: Annotated[
        Asset,
        about("Quote currency", "Only markets priced in this currency.", examples=("USDT", "EUR")),
    ] = "USD"
    top_n: Annotated[
        int,
        Field(ge=10, le=100),
        about(
            "How many",
            "How many markets are proposed, by volume.",
            unit="symbols",
            examples=(25,),
        ),
    ] = 50
    min_volume_24h_quote: Annotated[
        float,
        Field(ge=0, le=1_000_000_000_000_000),
        NO_MINUS_ZERO,
        about(
            "Least volume",
            "Markets that traded less in 24 hours are left out.",
            unit="quote currency",
            examples=(2_500_000.0,),
        ),
    ] = 100_000.0
    exclude: Annotated[
        tuple[Symbol, ...],
        Field(max_length=MOST_SYMBOLS),
        UNIQUE,
        about("Never propose", "Symbols you do not want to see.", examples=(["USDC-USD"],)),
    ] = ()
