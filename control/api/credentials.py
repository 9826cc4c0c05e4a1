"""The credentials over HTTP: of each name, whether it is set where the user's runtime runs.

Rule 1: names and states, never a value: this process does not even look for one.
Rule 2: a name that somebody asks about is answered by its place in the query and not repeated:
    it may be the secret itself.
Rule 3: what no living worker has reported is unknown, not missing.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from control.heard import listen
from settings_app import credentials, services
from settings_app.api.access import user_of
from settings_app.api.answers import Answer
from settings_app.api.description import operation
from settings_app.api.requests import Parameter
from settings_app.credentials import Holder
from settings_app.documents import pointer, pointer_keys
from settings_app.models import User
from settings_app.problems import (
    MALFORMED_REQUEST,
    SETTINGS_TOO_NEW,
    Problem,
    errors_of_the_row,
)
from settings_app.schema.secrecy import looks_secret
from settings_app.schema.tree import leaves
from settings_app.services import Stored

MOST_ASKED: Final = 20
MOST_LETTERS: Final = 2_000  # room for whatever is pasted, and no more
MOST_SUGGESTED: Final = 3
LEAST_LIKENESS: Final = 0.8  # a slip of the pen; COINBASE_KEY is no COINBASE_SECRET
LABELS: Final = {"kucoin": "KuCoin"}
NAME: Final = Parameter(
    "name", f"A name to ask about; up to {MOST_ASKED} times. Never send a secret here."
)


class State(StrEnum):
    """What is known of a name."""

    SET = "set"
    NOT_SET = "not set"
    NOT_ALLOWED = "not allowed"
    LOOKS_SECRET = "looks like a secret"  # noqa: S105  # a sentence
    UNKNOWN = "unknown"


STATE: Final = Field(
    description="`unknown` while no worker runs for you. `set` where it runs, and not elsewhere."
)
DID_YOU_MEAN: Final[list[str]] = Field(
    [], description="Similar names that you may use and that are set."
)


class NamedAnswer(Answer):
    """A name in your settings."""

    pointer: str = Field(description="JSON Pointer to the setting.")
    title: str = Field(description="The setting, as people read it.")
    name: str = Field(description="What stands there.")
    state: State = STATE
    did_you_mean: list[str] = DID_YOU_MEAN


class AskedAnswer(Answer):
    """A name that was asked about."""

    index: int = Field(description="Which one, counted from 0; the name is not repeated.")
    state: State = STATE
    did_you_mean: list[str] = DID_YOU_MEAN


class CredentialsAnswer(Answer):
    """What is known of each name."""

    named: list[NamedAnswer] = Field(description="Those in your settings, in document order.")
    asked: list[AskedAnswer] = Field(description="Those in the query, in its order.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What there is to judge a name by.

    Args:
        reported: The names that the worker has told of; None if it tells nothing.
        told_first: The revision of the settings whose names it told before all others, where
            there were too many; None where it told all.
    """

    user: Holder
    reported: frozenset[str] | None = None
    told_first: int | None = None

    def state(self, name: str, *, since: int | None = None) -> State:
        """The state of a name.

        Args:
            since: The revision of the settings that it stands in; None if it stands in none.
        """
        if looks_secret(name, is_name=True):
            return State.LOOKS_SECRET
        if not credentials.may_use(name, user=self.user):
            return State.NOT_ALLOWED
        if self.reported is None:
            return State.UNKNOWN
        if name in self.reported:
            return State.SET
        is_told = self.told_first is None or self.told_first == since
        return State.NOT_SET if is_told else State.UNKNOWN

    def suggestions(self, name: str, state: State) -> list[str]:
        """What else may have been meant by a name that is of no use as it is."""
        if state in {State.SET, State.LOOKS_SECRET} or not self.reported:
            return []
        by_folded = {known.casefold(): known for known in sorted(self.reported)}
        near = difflib.get_close_matches(
            name.casefold(), by_folded, n=MOST_SUGGESTED, cutoff=LEAST_LIKENESS
        )
        return [by_folded[folded] for folded in near]


router = Router()


@router.api_operation(["HEAD"], "/credentials", include_in_schema=False)
@router.get(
    "/credentials",
    **operation(
        "getCredentials",
        "See which of your credentials are set",
        answer=CredentialsAnswer,
        parameters=(NAME,),
        refusals=(SETTINGS_TOO_NEW,),
    ),
)
def read_credentials(request: HttpRequest) -> HttpResponse:
    """The names of variables in your settings, and those asked about: whether you may use them,
    and whether they are set where your runtime runs. Values are never told.
    """
    names, user = _asked(request), user_of(request)
    with errors_of_the_row():
        stored = services.read(user.pk)
    known = _known(user)
    answer = CredentialsAnswer(
        named=_named(stored, known),
        asked=[
            AskedAnswer(index=index, **_told(known, name, known.state(name)))
            for index, name in enumerate(names)
        ],
    )
    return HttpResponse(answer.model_dump_json(by_alias=True), content_type="application/json")


def named_in(stored: Stored, user: User) -> list[NamedAnswer]:
    """What is known of each name in a user's settings."""
    return _named(stored, _known(user))


def _named(stored: Stored, known: Known) -> list[NamedAnswer]:
    return [
        NamedAnswer(pointer=path, title=_title(path), name=name, **_told(known, name, state))
        for path, name in credentials.named(stored.document).items()
        for state in [known.state(name, since=stored.revision)]
    ]


def _asked(request: HttpRequest) -> list[str]:
    names = request.GET.getlist(NAME.name)
    if set(request.GET) - {NAME.name}:
        raise Problem(MALFORMED_REQUEST, f"This address has one parameter: {NAME.name}.")
    if len(names) > MOST_ASKED or any(len(name) > MOST_LETTERS for name in names):
        raise Problem(
            MALFORMED_REQUEST,
            f"Ask about at most {MOST_ASKED} names, of at most {MOST_LETTERS} letters each.",
        )
    return names


def _known(user: User) -> Known:
    heard, holder = listen(user), credentials.holder(user.pk)
    status = heard.status if heard.is_current else None
    if status is None or status.credentials_set is None:
        return Known(user=holder)
    names = status.credentials_set
    is_cut = len(names) >= credentials.MOST_REPORTED
    return Known(
        user=holder,
        # Asked again: what the operator or a renaming took away since is told no more.
        reported=frozenset(name for name in names if credentials.may_use(name, user=holder)),
        told_first=status.settings_revision if is_cut else None,
    )


def _told(known: Known, name: str, state: State) -> dict[str, Any]:
    return {"state": state, "did_you_mean": known.suggestions(name, state)}


def _title(path: str) -> str:
    """The title of a setting, behind that of the exchange or the channel around it."""
    first, around, *rest = pointer_keys(path)
    titles = _titles()
    title = titles.get(path) or titles[pointer(first) + "/{name}" + pointer(*rest)]
    return f"{LABELS.get(around, around.capitalize())}: {title}"


@cache
def _titles() -> dict[str, str]:
    return {path: str(node["title"]) for path, node in leaves()}
