"""Rules between fields: what each section alone cannot know.

Rule 1: an error points at the field that a person would change.
Rule 2: the document that a new user begins with breaks none of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from settings_app.documents import pointer
from settings_app.errors import FieldError
from settings_app.schema.document import Settings
from settings_app.schema.markets import MarketName
from settings_app.schema.runtime import ScheduledCommand


def broken_rules(settings: Settings) -> Iterator[FieldError]:
    """Every rule that the document breaks."""
    primary = settings.perseus_profile.primary_exchange
    if primary not in settings.exchanges:
        yield FieldError(
            pointer("perseus_profile", "primary_exchange"),
            f"must be one of the exchanges under /exchanges: {', '.join(settings.exchanges)}",
        )
    yield from _repeated("position_symbols", settings.position_symbols)
    yield from _repeated("watchlist", settings.watchlist)
    yield from _without_address(settings)
    for index, entry in enumerate(settings.schedule):
        yield from _misplanned(pointer("schedule", index), entry)


def _repeated(section: str, rows: Sequence[MarketName]) -> Iterator[FieldError]:
    seen: dict[tuple[str, str], int] = {}
    for index, row in enumerate(rows):
        first = seen.setdefault((row.exchange, row.symbol), index)
        if first != index:
            yield FieldError(
                pointer(section, index, "symbol"), f"is in the list already, in row {first + 1}"
            )


def _without_address(settings: Settings) -> Iterator[FieldError]:
    email, discord, push = (
        settings.notifications.email,
        settings.notifications.discord,
        settings.notifications.push,
    )
    if email is not None and email.enabled and email.address is None:
        yield FieldError(pointer("notifications", "email", "address"), "is required while enabled")
    if discord is not None and discord.enabled and not discord.webhook_url_environment_variable:
        yield FieldError(
            pointer("notifications", "discord", "webhook_url_environment_variable"),
            "is required while enabled",
        )
    if push is not None and push.enabled and not push.url_environment_variable:
        yield FieldError(
            pointer("notifications", "push", "url_environment_variable"),
            "is required while enabled",
        )


def _misplanned(at: str, entry: ScheduledCommand) -> Iterator[FieldError]:
    if entry.command != "switch-mode":
        if entry.payload is not None:
            yield FieldError(at + "/payload", f"must be absent: {entry.command} needs nothing")
    elif entry.payload is None:
        yield FieldError(at + "/payload", "is required: it names the mode to switch to")
    elif not entry.payload.mode.is_implemented:
        yield FieldError(at + "/payload/mode", f"{entry.payload.mode} is not implemented")
