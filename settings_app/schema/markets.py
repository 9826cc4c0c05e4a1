"""Where and what to watch: exchanges, positions, the watchlist and the scanner."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings_app.schema.fields import (
    Applies,
    Category,
    Currency,
    ExchangeName,
    Line,
    Number,
    Percentage,
    Section,
    Symbol,
    Unique,
    VariableName,
    about,
)
from settings_app.schema.profile import RiskTolerance

MOST_SYMBOLS = 2_000


class ExchangeDefaults(Section):
    """Risk and strategy on one exchange, where they differ from the profile's."""

    risk_tolerance: Annotated[
        RiskTolerance | None,
        about("Risk tolerance", "How much risk you take here.", recorded_only=True),
    ] = None
    trading_strategy: Annotated[
        Line | None, about("Strategy", "How you trade here.", recorded_only=True)
    ] = None
    stop_loss_percentage: Annotated[
        Annotated[Percentage, Field(le=100)] | None,
        about("Stop loss", "The price alert's loss for positions held here.", unit="%"),
    ] = None
    take_profit_percentage: Annotated[
        Percentage | None,
        about("Take profit", "The price alert's gain for positions held here.", unit="%"),
    ] = None


class ExchangeSettings(Section):
    """One exchange: whether it is used, and the names of the variables that hold its keys.

    Market data is public. Keys are needed for positions only.
    """

    enabled: Annotated[bool, about("Enabled", "Whether its markets are watched.")] = False
    api_key_environment_variable_name: Annotated[
        VariableName | None,
        about(
            "Key",
            "Name of the environment variable that holds the key.",
            applies=Applies.NEXT_REFRESH,
            alias="ApiKeyEnvironmentVariableName",
        ),
    ] = None
    secret_environment_variable_name: Annotated[
        VariableName | None,
        about(
            "Secret",
            "Name of the environment variable that holds the secret.",
            applies=Applies.NEXT_REFRESH,
            alias="SecretEnvironmentVariableName",
        ),
    ] = None
    password_environment_variable_name: Annotated[
        VariableName | None,
        about(
            "Passphrase",
            "Name of the environment variable that holds the passphrase, where one is needed.",
            applies=Applies.NEXT_REFRESH,
            alias="PasswordEnvironmentVariableName",
        ),
    ] = None
    defaults: Annotated[
        ExchangeDefaults, about("Defaults", "What differs here from the profile.")
    ] = ExchangeDefaults()


class MarketName(Section):
    """One instrument on one exchange."""

    symbol: Annotated[Symbol, about("Symbol", "Base and quote, such as BTC-USD.")]
    exchange: Annotated[ExchangeName, about("Exchange", "Where it is traded.")]


class WatchlistEntry(MarketName):
    """One row of the watchlist."""

    enabled: Annotated[bool, about("On", "Off keeps the row without watching the symbol.")] = True
    categories: Annotated[
        Unique[Category],
        Field(max_length=10),
        about("Categories", "Your own tags, such as high-cap."),
    ] = ()


Watchlist = Annotated[
    tuple[WatchlistEntry, ...],
    Field(max_length=MOST_SYMBOLS),
    about("Watchlist", "The symbols to watch, in the order in which they are shown."),
]
PositionSymbols = Annotated[
    tuple[MarketName, ...],
    Field(max_length=MOST_SYMBOLS),
    about(
        "Positions by hand",
        "Symbols that count as held although no exchange reports them.",
        applies=Applies.NEXT_REFRESH,
    ),
]
LoadPositions = Annotated[
    bool,
    about(
        "Load positions",
        "Whether positions are read from the exchanges that have keys.",
        applies=Applies.NEXT_REFRESH,
    ),
]
PositionMinimum = Annotated[
    Number,
    Field(ge=0, le=1_000_000_000),
    about(
        "Smallest position",
        "Positions worth less are left out.",
        unit="USD",
        applies=Applies.NEXT_REFRESH,
    ),
]
PositionRefresh = Annotated[
    Number,
    Field(ge=0.25, le=168),
    about(
        "Refresh positions every",
        "How often positions are read from the exchanges.",
        unit="hours",
        applies=Applies.NEXT_REFRESH,
    ),
]


class Scanner(Section):
    """What the scanner proposes. Nothing is added without approval."""

    enabled: Annotated[
        bool,
        about("Enabled", "Whether a scan may be asked for.", applies=Applies.NEXT_REFRESH),
    ] = False
    exchange: Annotated[
        ExchangeName,
        about("Exchange", "Whose markets are scanned.", applies=Applies.NEXT_REFRESH),
    ] = "coinbase"
    quote: Annotated[
        Currency,
        about(
            "Quote currency",
            "Only markets priced in this currency.",
            applies=Applies.NEXT_REFRESH,
        ),
    ] = "USD"
    top_n: Annotated[
        int,
        Field(ge=10, le=100),
        about(
            "How many",
            "How many markets are proposed, by volume.",
            unit="symbols",
            applies=Applies.NEXT_REFRESH,
        ),
    ] = 50
    min_volume_24h_quote: Annotated[
        Number,
        Field(ge=0, le=1e15),
        about(
            "Least volume",
            "Markets that traded less in 24 hours, in the quote currency, are left out.",
            applies=Applies.NEXT_REFRESH,
        ),
    ] = 100_000.0
    exclude: Annotated[
        Unique[Symbol],
        Field(max_length=MOST_SYMBOLS),
        about("Never propose", "Symbols you do not want to see.", applies=Applies.NEXT_REFRESH),
    ] = ()
