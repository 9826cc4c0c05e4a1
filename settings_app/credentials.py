"""Whose environment variables are whose, and reading them at the last moment.

Rule 1: a document holds names. A value is read by :func:`resolve`, where it is used, in the
    worker; nothing here keeps it, logs it or puts it into an exception.
Rule 2: which names a user may use is the operator's to say (``LIVERMORE_CREDENTIALS``), not the
    database's. It is asked when a document names something new, and again when the value is read.
Rule 3: the program's own variables are nobody's, whatever is granted.
Rule 4: a name that its user may not use is never repeated: it may be a secret in the wrong place.

CredentialError
    NotAllowed   the operator grants the name, or the user names another
    NotSet       the operator sets the variable where the worker runs
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from django.conf import settings as configuration
from django.db.models import Exists, OuterRef

from settings_app.documents import pointer
from settings_app.errors import FieldError
from settings_app.models import User
from settings_app.schema import Settings
from settings_app.schema.rules import KEY, PASSPHRASE, SECRET

VARIABLE: Final = "LIVERMORE_CREDENTIALS"
MOST_REPORTED: Final = 200  # names that a worker tells of; a document holds eleven

# What the first user may name where nothing is granted to anybody, in any letter case.
USUAL_PREFIXES: Final = (
    *("COINBASE", "BINANCE", "KUCOIN"),
    *("DISCORD", "EMAIL", "SMTP", "PUSH", "APPRISE", "NTFY", "GOTIFY", "TELEGRAM", "SLACK"),
    *("LIVERMORE_DISCORD_", "LIVERMORE_PUSH_"),  # files from before have Livermore_Discord_Webhook
)

# The program's own and its servers', and what steers Python and the linker; in any letter case.
OWN_NAMES: Final = frozenset(
    {"PORT", "EXCHANGE", "SPEED", "SEED", "SECRET_KEY", "PATH", "HOME", "SHELL", "USER", "PWD"}
)
OWN_PREFIXES: Final = (
    *("DJANGO_", "DATABASE_", "REDIS_", "PG", "POSTGRES", "VALKEY"),
    *("PYTHON", "VIRTUAL_ENV", "LD_", "DYLD_", "SSL_", "OPENSSL_"),
)
OWN_IN_CAPITALS: Final = "LIVERMORE_"

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,79}")


class CredentialError(Exception):
    """A credential cannot be had. The text holds no value, and no name that is not granted."""


class NotAllowed(CredentialError):
    """The user may not use this name, or may not any more."""


class NotSet(CredentialError):
    """The variable is not there, or empty, where this process runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A user, as far as grants care.

    Args:
        sub: Their identity, which never changes.
        is_first: No user has a lower id. What is granted by default is granted to the first.
    """

    username: str
    sub: str
    is_first: bool

    @property
    def grants(self) -> tuple[str, ...] | None:
        """The patterns that the operator grants them; None where nothing is said of anybody."""
        granted = configuration.CREDENTIAL_GRANTS
        if granted is None:
            return None
        return (*granted.get(self.username, ()), *granted.get(f"sub:{self.sub}", ()))


def holder(user_id: int) -> Holder:
    """Who a user is now.

    Raises:
        User.DoesNotExist: If there is no such user.
    """
    earlier = User.objects.filter(pk__lt=OuterRef("pk"))
    username, sub, has_earlier = (
        User.objects.annotate(has_earlier=Exists(earlier))
        .values_list("username", "sub", "has_earlier")
        .get(pk=user_id)
    )
    return Holder(username=username, sub=sub, is_first=not has_earlier)


# ---------------------------------------------------------------------- what a document names
def named(settings: Settings) -> dict[str, str]:
    """The variables that a document names: JSON Pointer → name, in document order."""
    names: dict[str, str | None] = {}
    for exchange, chosen in settings.exchanges.items():
        at = pointer("exchanges", exchange)
        names[f"{at}/{KEY}"] = chosen.api_key_environment_variable_name
        names[f"{at}/{SECRET}"] = chosen.secret_environment_variable_name
        names[f"{at}/{PASSPHRASE}"] = chosen.password_environment_variable_name
    if (discord := settings.notifications.discord) is not None:
        at = "/notifications/discord/webhook_url_environment_variable"
        names[at] = discord.webhook_url_environment_variable
    if (push := settings.notifications.push) is not None:
        names["/notifications/push/url_environment_variable"] = push.url_environment_variable
    return {at: name for at, name in names.items() if name is not None}


def not_allowed(
    user_id: int, username: str, settings: Settings, before: Settings | None
) -> list[FieldError]:
    """What is wrong with the names that a document brings in.

    Names that were there before are not asked about again: a grant that was withdrawn holds up no
    other change. It blocks :func:`resolve` all the same.

    Args:
        user_id: Whose document it is, whoever saves it.
        username: Their name now.
        settings: The document to be saved, with its owner's identity.
        before: The document that it replaces; None where there was no valid one.
    """
    known = set(named(before).values()) if before is not None else set()
    fresh = {at: name for at, name in named(settings).items() if name not in known}
    if not fresh:
        return []
    is_first = not User.objects.filter(pk__lt=user_id).exists()
    user = Holder(username=username, sub=settings.sub, is_first=is_first)
    message = f"must be the name of a variable that you may use: {way_out(user)}"
    return [FieldError(at, message) for at, name in fresh.items() if not may_use(name, user=user)]


# ---------------------------------------------------------------------- the allowlist
def may_use(name: str, *, user: Holder) -> bool:
    """Whether a user may have this variable read for them."""
    if not _NAME.fullmatch(name) or is_own(name):
        return False
    if user.grants is None:
        return user.is_first and name.upper().startswith(USUAL_PREFIXES)
    return any(fnmatchcase(name, pattern) for pattern in user.grants)


def is_own(name: str) -> bool:
    """Whether a variable is the program's own, which no grant reaches."""
    upper = name.upper()
    return upper in OWN_NAMES or upper.startswith(OWN_PREFIXES) or name.startswith(OWN_IN_CAPITALS)


def way_out(user: Holder) -> str:
    """What a user may name instead, or who can allow more."""
    if user.grants:
        return f"{', '.join(user.grants)}; the operator grants others with {VARIABLE}"
    if user.grants is None and user.is_first:
        usual = ", ".join(one for one in USUAL_PREFIXES if not one.startswith(OWN_IN_CAPITALS))
        return f"it begins with one of {usual}; the operator grants others with {VARIABLE}"
    return f"none so far; the operator grants them with {VARIABLE}"


# ---------------------------------------------------------------------- where the worker runs
def resolve(name: str, *, user_id: int, environ: Mapping[str, str] | None = None) -> str:
    """The value of a variable, read now. The caller uses it and keeps it nowhere.

    Args:
        name: As the user's document has it.
        user_id: For whom.
        environ: Variables; those of this process by default.

    Raises:
        NotAllowed: If they may not use this name; that is asked first, so that nobody can learn
            which variables are set.
        NotSet: If it is not set here, or empty.
        User.DoesNotExist: If there is no such user.
    """
    user = holder(user_id)
    if not may_use(name, user=user):
        raise NotAllowed(
            f"The settings name a variable that their user may not use: {way_out(user)}."
        )
    value = (os.environ if environ is None else environ).get(name)
    if not value:
        raise NotSet(f"The variable {name} is not set where the worker runs.")
    return value


def usable(
    user: Holder, *, first: Iterable[str] = (), environ: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """The names that a user may use and that are set here, sorted; at most `MOST_REPORTED`.

    Args:
        first: Names that come before all others, should there be more.
        environ: Variables; those of this process by default.
    """
    variables = os.environ if environ is None else environ
    names = [name for name, value in variables.items() if value and may_use(name, user=user)]
    wanted = set(first)
    names.sort(key=lambda name: (name not in wanted, name))
    return tuple(sorted(names[:MOST_REPORTED]))
