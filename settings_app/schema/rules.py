"""Rules between fields: what each section alone cannot know.

Rule 1: an error points at the field that a person would change, and says the way out.
Rule 2: the document that a new user begins with breaks none of them.
Rule 3: the first line of each rule's docstring is the rule; the reference of settings prints it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from settings_app.documents import pointer
from settings_app.errors import FieldError
from settings_app.schema.document import Settings
from settings_app.schema.markets import ExchangeSettings, MarketName

KEY = "ApiKeyEnvironmentVariableName"
SECRET = "SecretEnvironmentVariableName"  # noqa: S105  # the name of a setting
PASSPHRASE = "PasswordEnvironmentVariableName"  # noqa: S105  # the name of a setting

NEEDS_PASSPHRASE: Final = frozenset({"kucoin"})


def broken_rules(settings: Settings) -> Iterator[FieldError]:
    """Every rule that the document breaks."""
    for rule in RULES:
        yield from rule(settings)


def enabled_exchanges(settings: Settings) -> list[str]:
    """The names of the exchanges that are used, in the document's order."""
    return [name for name, exchange in settings.exchanges.items() if exchange.enabled]


def missing_names(name: str, exchange: ExchangeSettings) -> Iterator[str]:
    """The keys of the variables' names without which the others of an exchange are no use."""
    key = exchange.api_key_environment_variable_name
    secret = exchange.secret_environment_variable_name
    if secret and not key:
        yield KEY
    if key and not secret:
        yield SECRET
    needs_passphrase = name in NEEDS_PASSPHRASE and bool(key or secret)
    if needs_passphrase and not exchange.password_environment_variable_name:
        yield PASSPHRASE


def has_keys(exchange: ExchangeSettings) -> bool:
    """Whether positions can be read there."""
    return bool(
        exchange.enabled
        and exchange.api_key_environment_variable_name
        and exchange.secret_environment_variable_name
    )


# ------------------------------------------------------------------------------ the rules
def _primary_exchange(settings: Settings) -> Iterator[FieldError]:
    """The primary exchange is configured, and enabled unless no exchange is enabled at all."""
    at = pointer("perseus_profile", "primary_exchange")
    primary, enabled = settings.perseus_profile.primary_exchange, enabled_exchanges(settings)
    if primary not in settings.exchanges:
        configured = ", ".join(settings.exchanges)
        yield FieldError(
            at,
            f"must be one of those that /exchanges would hold after this change: {configured}. "
            f'Set it to one of them, or add "{primary}": {{"enabled": true}} there, in one save '
            "of both places",
        )
    elif enabled and primary not in enabled:
        yield FieldError(
            at,
            f"must be an enabled exchange: {', '.join(enabled)}; "
            f"or set /exchanges/{primary}/enabled to true",
        )


def _credentials(settings: Settings) -> Iterator[FieldError]:
    """A key and its secret are named together; KuCoin's also need the passphrase."""
    for name, exchange in settings.exchanges.items():
        for missing in missing_names(name, exchange):
            yield FieldError(
                pointer("exchanges", name, missing),
                "is required beside the other names of this exchange, such as "
                f"{name.upper()}_{_EXAMPLES[missing]}; or remove those",
            )


_EXAMPLES: Final = {KEY: "KEY", SECRET: "SECRET", PASSPHRASE: "PASSPHRASE"}


def _positions(settings: Settings) -> Iterator[FieldError]:
    """Positions are loaded only where an enabled exchange has the names of its keys."""
    if not settings.load_positions_from_exchange:
        return
    if not any(has_keys(exchange) for exchange in settings.exchanges.values()):
        where = next(iter([*enabled_exchanges(settings), *settings.exchanges]))
        yield FieldError(
            "/load_positions_from_exchange",
            "must be false until an enabled exchange has the names of its keys, such as "
            f"/exchanges/{where}/{KEY} and {SECRET}",
        )


def _scanner(settings: Settings) -> Iterator[FieldError]:
    """An enabled scanner scans an exchange that is configured and enabled."""
    name, enabled = settings.scanner.exchange, enabled_exchanges(settings)
    if settings.scanner.enabled and name not in enabled:
        choice = f"one of {', '.join(enabled)}; or " if enabled else "an enabled exchange: "
        yield FieldError(
            "/scanner/exchange",
            f"must be {choice}set /exchanges/{name}/enabled to true, or /scanner/enabled to false",
        )


def _listed_once(settings: Settings) -> Iterator[FieldError]:
    """A symbol of an exchange stands once in the watchlist, and once among the positions."""
    yield from _repeated("position_symbols", settings.position_symbols)
    yield from _repeated("watchlist", settings.watchlist)


def _repeated(section: str, rows: Sequence[MarketName]) -> Iterator[FieldError]:
    seen: dict[tuple[str, str], int] = {}
    for index, row in enumerate(rows):
        first = seen.setdefault((row.exchange, row.symbol), index)
        if first != index:
            yield FieldError(
                pointer(section, index, "symbol"),
                f"is in the list already, in row {first + 1}: remove one of the two",
            )


def _channels(settings: Settings) -> Iterator[FieldError]:
    """A channel that is enabled has an address: e-mail's own, the others' by variable name."""
    email, discord, push = (
        settings.notifications.email,
        settings.notifications.discord,
        settings.notifications.push,
    )
    if email is not None and email.enabled and email.address is None:
        yield _without_address("email", "address", "anna@example.org")
    if discord is not None and discord.enabled and not discord.webhook_url_environment_variable:
        yield _without_address("discord", "webhook_url_environment_variable", "DISCORD_WEBHOOK")
    if push is not None and push.enabled and not push.url_environment_variable:
        yield _without_address("push", "url_environment_variable", "PUSH_URL")


def _without_address(channel: str, key: str, example: str) -> FieldError:
    return FieldError(
        pointer("notifications", channel, key),
        f"is required while enabled, such as {example}; "
        f"or set /notifications/{channel}/enabled to false",
    )


def _commands(settings: Settings) -> Iterator[FieldError]:
    """A planned switch-mode names a mode that is implemented; other commands name nothing."""
    for index, entry in enumerate(settings.schedule):
        at = pointer("schedule", index, "payload")
        if entry.command != "switch-mode":
            if entry.payload is not None:
                yield FieldError(at, f"must be absent: {entry.command} needs nothing")
        elif entry.payload is None:
            yield FieldError(
                at,
                'is required: it names the mode to switch to, such as {"mode": "scalper-macdv"}',
            )
        elif not entry.payload.mode.is_implemented:
            yield FieldError(
                f"{at}/mode",
                f"{entry.payload.mode} is not implemented: choose scalper-macdv or "
                "position-monitor",
            )


Rule = Callable[[Settings], Iterator[FieldError]]

RULES: Final[tuple[Rule, ...]] = (
    _primary_exchange,
    _credentials,
    _positions,
    _scanner,
    _listed_once,
    _channels,
    _commands,
)
