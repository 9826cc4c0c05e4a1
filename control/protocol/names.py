"""Every name in Redis, and how long what stands there is kept."""

from __future__ import annotations

import time

CONSUMER_GROUP = "runtime"
RESULT_TTL_SECONDS = 3_600
STATUS_RESULT_TTL_SECONDS = 60  # a whole status each, and only true at its moment
EXPIRY_SECONDS = 30.0
HISTORY_LENGTH = 1_000
HEARTBEAT_SECONDS = 2.0
STATUS_TTL_SECONDS = 3 * HEARTBEAT_SECONDS
IMPORT_TTL_SECONDS = 900


def commands_of(sub: str) -> str:
    """Stream and pub/sub channel on which a user's commands arrive."""
    return f"livermore:commands:{sub}"


def entries_of(sub: str) -> str:
    """Pub/sub channel that tells workers what was just put into the stream, and behind what."""
    return f"livermore:entries:{sub}"


def responses_of(sub: str) -> str:
    """Pub/sub channel of acknowledgements and results."""
    return f"livermore:responses:{sub}"


def result_of(sub: str, command_id: str) -> str:
    """Key of the last answer to one command."""
    return f"livermore:result:{sub}:{command_id}"


def status_of(sub: str) -> str:
    """Pub/sub channel and key of the status."""
    return f"livermore:status:{sub}"


def events_of(sub: str) -> str:
    """Pub/sub channel of what a live page needs beside the status."""
    return f"livermore:events:{sub}"


def history_of(sub: str) -> str:
    """Stream of the commands and their answers."""
    return f"livermore:history:{sub}"


def disowned_of(sub: str) -> str:
    """Key of since when a user's alerts were lost with a lease, and with which."""
    return f"livermore:disowned:{sub}"


def import_of(sub: str, approval: str) -> str:
    """Key of what importing a file would change, until it is approved."""
    return f"livermore:import:{sub}:{approval}"


def worker_of(worker: str) -> str:
    """Key that a living worker keeps; it holds no user's data."""
    return f"livermore:worker:{worker}"


def candles_of(exchange: str, symbol: str, timeframe: str) -> str:
    """Key of the closed candles of one market, shared by every user."""
    return f"livermore:candles:{exchange}:{symbol}:{timeframe}"


def forming_of(exchange: str) -> str:
    """Hash of the minutes that form on an exchange now, by symbol, for whoever looks at a chart."""
    return f"livermore:forming:{exchange}"


def listing_of(exchange: str) -> str:
    """Key of what an exchange lists, as read last, shared by every user."""
    return f"livermore:listing:{exchange}"


def listing_trouble_of(exchange: str) -> str:
    """Key of why the last reading failed; while it is there nobody asks again."""
    return f"livermore:listing-trouble:{exchange}"


def now_ms() -> int:
    """This host's clock, unix milliseconds."""
    return time.time_ns() // 1_000_000
