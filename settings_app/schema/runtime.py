"""How the runtime starts and logs, and what it does by the clock."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from settings_app.schema.fields import (
    UNIQUE,
    Applies,
    ClockTime,
    Day,
    Line,
    Section,
    Timezone,
    about,
)
from trading.core.modes import Mode


class Logging(Section):
    """Where the runtime writes and how much."""

    data_directory: Annotated[
        Line,
        Field(min_length=1),
        about(
            "Data directory",
            "Where the program before this one kept its files.",
            examples=("data",),
        ),
    ] = "data"
    log_directory: Annotated[
        Line,
        Field(min_length=1),
        about(
            "Log directory",
            "Where the program before this one kept its logs; Livermore logs to its console.",
            examples=("logs",),
        ),
    ] = "logs"
    verbosity_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        about("Verbosity", "The least important line that is of interest.", examples=("warning",)),
    ] = "info"


class LivermoreRuntime(Section):
    """How the runtime starts."""

    auto_start: Annotated[
        bool,
        about(
            "Start by itself",
            "Whether the runtime runs until somebody pauses or resumes it for the first time.",
            examples=(True, False),
        ),
    ] = True
    logging: Annotated[
        Logging,
        about(
            "Logging",
            "Where the runtime writes and how much.",
            applies=Applies.NEXT_START,
            recorded_only=True,
        ),
    ] = Logging()


class CommandPayload(Section):
    """What a planned command needs to know."""

    mode: Annotated[
        Mode,
        about("Mode", "The mode to switch to.", examples=("position-monitor", "scalper-macdv")),
    ]


class ScheduledCommand(Section):
    """One planned command: when, and what."""

    at: Annotated[
        ClockTime,
        about("At", "Time of day in the entry's own time zone.", examples=("06:30", "22:00")),
    ]
    days: Annotated[
        tuple[Day, ...],
        Field(min_length=1, max_length=7),
        UNIQUE,
        about("Days", "On which days of the week.", examples=(["mon", "tue"],)),
    ] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    timezone: Annotated[
        Timezone,
        about("Time zone", "Daylight saving is that of this zone.", examples=("Europe/Berlin",)),
    ] = "UTC"
    command: Annotated[
        Literal["pause", "resume", "switch-mode"],
        about("Command", "What the runtime is told.", examples=("pause", "switch-mode")),
    ]
    payload: Annotated[
        CommandPayload | None,
        about("With", "The mode, where the command is to switch it."),
    ] = None


Schedule = Annotated[
    tuple[ScheduledCommand, ...],
    Field(max_length=100),
    about(
        "Schedule",
        "Mode changes and pauses that happen by the clock.",
        examples=(
            [
                {"at": "22:00", "timezone": "Europe/Berlin", "command": "pause"},
                {
                    "at": "06:30",
                    "timezone": "Europe/Berlin",
                    "command": "switch-mode",
                    "payload": {"mode": "scalper-macdv"},
                },
            ],
        ),
        applies=Applies.AT_ONCE,
    ),
]
