"""Two users side by side: what is done for one touches nothing of the other.

Every Redis command and every SQL query, of the worker and of the senders, is held against three
rules: a name holds exactly the ``sub`` it is touched for, or is shared market data or a worker's; a
query carries the id of exactly one user, or is one of the few that are for all by design; and
while one user's commands run, the other's names see their heartbeat and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings as Configuration

from control import client
from control.heard import listen
from control.pages import symbol_table
from control.protocol import Command, Origin, RuntimeStatus, State, commands_of
from control.symbols import changes
from control.symbols.removing import farewell
from settings_app import desired
from settings_app.models import User
from tests.control.conftest import trader
from tests.control.recording import Done, Query, queries, recorded
from tests.control.running import RunningWorker, publish, running_worker, status_when
from tests.control.test_worker import answer_to, closes_candles, foreign, is_paused
from trading.core.market import Market
from trading.net.endpoints import Endpoints

pytestmark = pytest.mark.timeout(120)

# Ids that no limit, fence or revision is by chance.
ANNA, BELA = 7_000_001, 8_000_002

LTC = Market("coinbase", "LTC-USD")

ALL_TEN: list[tuple[Command, dict[str, Any] | None]] = [
    (Command.PAUSE, None),
    (Command.RESUME, None),
    (Command.SWITCH_MODE, {"mode": "position-monitor"}),
    (Command.SWITCH_MODE, {"mode": "scalper-macdv"}),
    (Command.RELOAD_SETTINGS, None),
    (Command.ADD_SYMBOL, {"symbol": "LTC-USD"}),
    (Command.REMOVE_SYMBOL, {"symbol": "LTC-USD"}),
    (Command.FORCE_BACKFILL, {"symbol": "ETH-USD", "timeframes": ["1m"]}),
    (Command.CLEAR_CACHE, {"scope": "all"}),
    (Command.STATUS, None),
    (Command.UNDO, None),
]

SHARED = (
    "livermore:candles:",
    "livermore:forming:",
    "livermore:listing:",
    "livermore:listing-trouble:",
    "livermore:worker:",
)
OF_A_USER = re.compile(
    r"livermore:(commands|disowned|entries|responses|result|status|events|history|import):"
    r"(?P<sub>[^:]+)"
)
# Commands of Redis that touch no name; whatever else touches none is not known to this test.
NAMELESS = frozenset(
    {"AUTH", "CLIENT", "ECHO", "EXEC", "HELLO", "INFO", "MULTI", "PING", "PUBSUB", "SCRIPT"}
    | {"SELECT", "TIME", "UNSUBSCRIBE"}
)
FORBIDDEN = frozenset({"KEYS", "PSUBSCRIBE", "FLUSHDB", "FLUSHALL", "RANDOMKEY"})
AT_REST = {
    "commands": {"XREADGROUP", "XAUTOCLAIM", "XGROUP", "SUBSCRIBE"},
    "status": {"SET", "PUBLISH", "GET"},  # GET is this test's
}

# The queries that are for all users by design, each reviewed: what it is for, and what it says.
FOR_ALL = {
    "the poll: whom to host, and how far their wishes have got": "FROM settings_app_user WHERE"
    " is_active AND is_staff AND enables_exchange",
    "taking free leases": "INSERT INTO control_lease",
    "prolonging leases": "UPDATE control_lease AS lease SET expires_at = clock_timestamp() +",
    "what a worker that stops has": 'FROM "control_lease" WHERE "control_lease"."owner" =',
    "letting go of leases": "UPDATE control_lease AS lease SET expires_at = clock_timestamp(),",
    "which receipts are old": 'FROM "control_receipt" WHERE "control_receipt"."created_at" <',
    "which intents are old": 'FROM "control_sentintent" WHERE "control_sentintent"."created_at" <',
    "which incidents are old": 'FROM "control_incident" WHERE "control_incident"."ended_at" <',
    "which mutes ran out long ago": 'FROM "trading_mute" WHERE "trading_mute"."until" <',
    "which sessions have ended": 'FROM "django_session" WHERE "django_session"."expire_date" <',
    "which sign-ins are old": 'FROM "axes_accesslog" WHERE "axes_accesslog"."attempt_time" <',
    "who has old alerts": 'WHERE (SELECT U0."created_at"',
    "what is open of those who are taken on": 'SELECT "control_incident"."user_id" AS "user_id",',
    "who should be driven and is not": "FROM settings_app_user AS u LEFT JOIN control_lease",
    "whose worker is back": "FROM control_incident AS incident JOIN settings_app_user AS u",
    "what waits to be delivered, of everybody": "SELECT d.user_id, u.sub, d.channel, bool_or(a.kind"
    " = 'system') FROM trading_delivery",
    "what was being sent by a worker that is gone": "UPDATE trading_delivery AS d SET state ="
    " 'uncertain'",
    "Django's table of tables": 'FROM "django_content_type"',
}
TRANSACTION = re.compile(
    r"(SAVEPOINT|RELEASE SAVEPOINT|ROLLBACK TO SAVEPOINT|SET CONSTRAINTS|SET LOCAL)\b"
)


@pytest.fixture(autouse=True)
def _exchange(settings: Configuration, endpoints: dict[str, Endpoints]) -> None:
    settings.EXCHANGES = endpoints


@pytest.fixture
def anna(transactional_db: None, redis_url: str) -> User:
    return trader("BTC-USD", "ETH-USD", is_paused=False, pk=ANNA)


@pytest.fixture
def bela(transactional_db: None, redis_url: str) -> User:
    # A signal of the moment before her pause would be written in the moment after it.
    told = dict.fromkeys(("level", "macdvCrossover", "reversal", "momentumShift"), False)
    silent = {"modes": {"scalper-macdv": {"alertThresholds": told}}}
    return trader("ETH-USD", "SOL-USD", is_paused=False, pk=BELA, document=silent)


@pytest.fixture
def worker(anna: User, bela: User, endpoints: dict[str, Endpoints]) -> Iterator[RunningWorker]:
    """Both are hosted by the same one, and both process trades."""
    with running_worker(endpoints) as worker:
        for user in (anna, bela):
            status_when(user, closes_candles)
        yield worker


def run_all_ten(user: User) -> None:
    for command, payload in ALL_TEN:
        assert client.send(user, command, payload).result is not None, command
    change_the_watchlist(user)
    look_at_the_symbols(user)


def look_at_the_symbols(user: User) -> None:
    """As the symbols page does."""
    assert symbol_table.context(user, listen(user), is_asked=True)["lines"]
    assert farewell(user, [Market("coinbase", "ETH-USD")])


def change_the_watchlist(user: User) -> None:
    """As a page does, beside the commands: each is a save, what undoes it, and a reload."""
    how: dict[str, Any] = {"by": user, "origin": Origin(who=user.username, via="api")}
    assert changes.add(user, {LTC: ("fast",)}, **how).applied
    assert changes.alter(user, LTC, enabled=False, position=0, **how).applied
    assert changes.remove(user, [LTC], **how).applied


def test_every_redis_command_touches_one_users_names_or_shared_ones(
    anna: User, bela: User, redis_url: str, endpoints: dict[str, Endpoints]
) -> None:
    subs = {anna.sub, bela.sub}
    with recorded(redis_url) as done:
        with running_worker(endpoints):  # from the first subscription to the last goodbye
            for user in (anna, bela):
                status_when(user, closes_candles)
                run_all_ten(user)
        User.objects.filter(pk=anna.pk).update(is_active=False)
        with running_worker(endpoints):
            status_when(bela, closes_candles)
    assert [each for each in done if each.name in FORBIDDEN] == []
    assert [each for each in done if is_astray(each, subs)] == []
    assert [each for each in transactions(done) if len(subs_of(each)) > 1] == []
    seen = {name for each in done for name in each.touched}
    for user in (anna, bela):  # or it would have watched nothing
        of_user = {name.split(":")[1] for name in seen if user.sub in name}
        assert of_user >= {"commands", "responses", "result", "status", "history"}


def is_astray(done: Done, subs: set[str]) -> bool:
    """Whether a command touches a name that is neither one user's nor shared."""
    if not done.touched:
        return done.name not in NAMELESS
    if any(name.startswith("livermore:") and not is_known(name, subs) for name in done.touched):
        return True
    return len(subs_of([done])) > 1


def is_known(name: str, subs: set[str]) -> bool:
    found = OF_A_USER.match(name)
    return name.startswith(SHARED) if found is None else found["sub"] in subs


def subs_of(done: list[Done]) -> set[str]:
    """Whose names are touched."""
    matches = [OF_A_USER.match(name) for each in done for name in each.touched]
    return {found["sub"] for found in matches if found is not None}


def transactions(done: list[Done]) -> Iterator[list[Done]]:
    """What each connection did between MULTI and EXEC."""
    open_ones: dict[str, list[Done]] = {}
    for each in done:
        if each.name == "MULTI":
            open_ones[each.address] = []
        elif each.name == "EXEC":
            yield open_ones.pop(each.address, [])
        elif each.address in open_ones:
            open_ones[each.address].append(each)


def test_every_query_carries_one_users_id_or_is_for_all_by_design(
    anna: User, bela: User, endpoints: dict[str, Endpoints]
) -> None:
    with queries() as asked, running_worker(endpoints):
        for user in (anna, bela):
            status_when(user, closes_candles)
            run_all_ten(user)
    people = {anna.pk: anna.sub, bela.pk: bela.sub}
    assert [query for query in asked if not is_proper(query, people)] == []
    for user in (anna, bela):
        assert sum(whose(query, people) == {user.pk} for query in asked) > len(ALL_TEN)


def is_proper(query: Query, people: dict[int, str]) -> bool:
    if TRANSACTION.match(query.text) or is_for_all(query):
        return True
    return len(whose(query, people)) == 1


def is_for_all(query: Query) -> bool:
    return any(part in query.text for part in FOR_ALL.values())


def whose(query: Query, people: dict[int, str]) -> set[int]:
    """Whose id or sub a query carries."""
    texts = [str(value) for value in query.values]
    return {pk for pk, sub in people.items() if any(t == str(pk) or sub in t for t in texts)}


def test_one_users_commands_touch_no_name_and_no_row_of_the_other(
    anna: User, bela: User, worker: RunningWorker, redis_url: str
) -> None:
    assert client.send(bela, Command.PAUSE).applied  # and so has nothing of her own to write
    rest = status_when(bela, is_paused)
    with recorded(redis_url) as done, queries() as asked:
        run_all_ten(anna)
        status_when(bela, lambda status: status.at > rest.at)
    of_bela = [each for each in done if bela.sub in subs_of([each])]
    assert [each for each in of_bela if not is_at_rest(each)] == []
    people = {anna.pk: anna.sub, bela.pk: bela.sub}
    theirs = [query for query in asked if bela.pk in whose(query, people)]
    assert [query for query in theirs if not is_for_all(query)] == []
    now = status_when(bela, is_paused)
    assert essence(now) == essence(rest)


def essence(status: RuntimeStatus) -> tuple[Any, ...]:
    """What nobody but the user may change."""
    symbols = [row.symbol for row in status.symbols]
    return status.state, status.desired, status.settings_revision, symbols, status.counts


def is_at_rest(done: Done) -> bool:
    """Whether this is what a runtime does when nobody asks anything of it."""
    return all(done.name in AT_REST.get(name.split(":")[1], ()) for name in done.touched)


@pytest.mark.parametrize("key", ["sub", "user", "userId"])
def test_no_payload_says_whose_runtime_is_meant(
    anna: User, bela: User, worker: RunningWorker, key: str
) -> None:
    before = desired.read_desired(bela.pk)
    for pause in (foreign("pause", payload={key: bela.sub}), foreign("pause", **{key: bela.sub})):
        publish(commands_of(anna.sub), json.dumps(pause))
        assert answer_to(anna, pause["id"]).status == "failed"
        assert client.result(bela, pause["id"]) is None
    assert desired.read_desired(bela.pk) == before
    status_when(bela, lambda status: status.state is State.RUNNING)
