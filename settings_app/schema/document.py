"""The whole document, and the one that a new user begins with."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from settings_app.schema.fields import Applies, ExchangeName, Section, about
from settings_app.schema.markets import (
    ExchangeSettings,
    LoadPositions,
    PositionMinimum,
    PositionRefresh,
    PositionSymbols,
    Scanner,
    Watchlist,
)
from settings_app.schema.modes import Modes
from settings_app.schema.notifications import Notifications
from settings_app.schema.profile import Profile
from settings_app.schema.runtime import LivermoreRuntime, Schedule

CURRENT_VERSION: Final = 2


def _first_exchanges() -> dict[ExchangeName, ExchangeSettings]:
    return {"coinbase": ExchangeSettings(enabled=True)}


class Settings(Section):
    """One user's whole configuration."""

    version: Annotated[
        Literal[2],
        about(
            "Version",
            "The version of the document's shape.",
            examples=(2,),
            applies=Applies.AT_ONCE,
        ),
    ]
    sub: Annotated[
        str,
        StringConstraints(min_length=1, max_length=255),
        about(
            "Identity",
            "Whose document this is; it cannot be changed.",
            examples=("2f7d3a52-7c1e-4f0a-9a7e-0f4a5b8c9d10",),
            applies=Applies.AT_ONCE,
        ),
    ]
    perseus_profile: Annotated[
        Profile,
        about(
            "Profile",
            "How names, times and numbers appear to you.",
            applies=Applies.AT_ONCE,
        ),
    ] = Profile()
    livermore_runtime: Annotated[
        LivermoreRuntime,
        about("Runtime", "How the runtime starts.", applies=Applies.AT_ONCE),
    ] = LivermoreRuntime()
    exchanges: Annotated[
        dict[ExchangeName, ExchangeSettings],
        Field(min_length=1),
        about(
            "Exchanges",
            "Which exchanges are used, and the names of their keys.",
            applies=Applies.AT_ONCE,
        ),
    ] = Field(default_factory=_first_exchanges)
    load_positions_from_exchange: LoadPositions = False
    position_symbols: PositionSymbols = ()
    position_min_value_usd: PositionMinimum = 1.0
    position_refresh_hours: PositionRefresh = 4.0
    watchlist: Watchlist = ()
    scanner: Annotated[
        Scanner,
        about(
            "Scanner",
            "What the scanner proposes; nothing is added unasked.",
            applies=Applies.NEXT_REFRESH,
        ),
    ] = Scanner()
    modes: Annotated[
        Modes,
        about(
            "Modes",
            "What each mode watches and what it alerts on.",
            applies=Applies.AT_ONCE,
        ),
    ] = Modes()
    notifications: Annotated[
        Notifications,
        about(
            "Notifications",
            "Which alerts go where.",
            applies=Applies.AT_ONCE,
        ),
    ] = Notifications()
    schedule: Schedule = ()

    def to_document(self) -> dict[str, Any]:
        """The document as JSON-ready Python, every setting spelt out, nothing null."""
        return self.model_dump(mode="json", exclude_none=True)


def default_document(sub: str) -> dict[str, Any]:
    """The document a new user begins with: public market data of the primary exchange."""
    return Settings(version=CURRENT_VERSION, sub=sub).to_document()
