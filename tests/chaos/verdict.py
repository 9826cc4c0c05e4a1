"""Whether everything that is promised is so, once nothing breaks any more.

Rule 1: a violation is a sentence that names the user and the command.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from django.db import Error as DatabaseError
from django.db import connections
from redis.exceptions import RedisError

from control import client
from control.models import Lease, Receipt
from control.protocol import INTENTS, CommandResult, State
from settings_app import desired
from settings_app.models import User
from tests.chaos.ledger import Ledger, Sent, Via
from tests.faults.stage import Stage, is_settled

QUIET_SECONDS = 60.0


def violations(stage: Stage, users: list[User], ledger: Ledger) -> list[str]:
    """Wait until all is quiet, and judge."""
    deadline = time.monotonic() + QUIET_SECONDS
    noise = ["nothing was looked at"]
    while noise and time.monotonic() < deadline:
        time.sleep(0.2)
        noise = _despite_everything(stage, users)
    found = list(noise)
    for user in users:
        found += once(user, ledger)
        found += answered(user, ledger)
    return found


def _despite_everything(stage: Stage, users: list[User]) -> list[str]:
    try:
        return [sentence for user in users for sentence in unrest(stage, user)]
    except (RedisError, OSError, DatabaseError) as exc:
        connections.close_all()
        return [f"a server does not answer: {exc}"]


def unrest(stage: Stage, user: User) -> Iterator[str]:
    """What is not as it is wanted, or waits, or has no owner or two."""
    row = desired.read_desired(user.pk)
    lease = Lease.objects.filter(user_id=user.pk).first()
    status = client.status(user)
    if status is None or lease is None:
        yield f"user {user.pk} is driven by nobody"
        return
    if status.worker != lease.owner or status.epoch != lease.fence:
        yield f"user {user.pk}: {status.worker} speaks, {lease.owner} has the lease"
    if lease.owner.split(":")[1] not in {str(w.pid) for w in stage.workers if w.is_running}:
        yield f"user {user.pk}: the lease is a dead worker's"
    if (listeners := stage.listeners(user)) != 1:
        yield f"user {user.pk}: {listeners} workers listen"
    wanted = (row.is_paused, str(row.mode), row.revision)
    if (status.desired.is_paused, status.desired.mode, status.desired.revision) != wanted:
        yield f"user {user.pk}: wanted is {wanted}, the runtime knows {status.desired}"
    expected = State.PAUSED if row.is_paused else State.RUNNING
    if status.state is not expected:
        yield f"user {user.pk}: the runtime is {status.state}, wanted is {expected}"
    if not is_settled(stage, user):
        yield f"user {user.pk}: entries of the stream wait for nobody"


def once(user: User, ledger: Ledger) -> Iterator[str]:
    """Every intent moved the revision once: as many as were recorded, by senders and runtimes."""
    mine = {sent.command_id: sent for sent in ledger.sent if sent.user_id == user.pk}
    succeeded = {
        str(receipt.command_id)
        for receipt in Receipt.objects.filter(user_id=user.pk)
        if receipt.result["success"]
    }
    foreign_ones = [
        sent
        for sent in mine.values()
        if sent.via is not Via.CLIENT and sent.command in INTENTS and sent.command_id in succeeded
    ]
    least = sum(sent.recorded is not None for sent in mine.values()) + len(foreign_ones)
    undone = sum(sent.command == "undo" for sent in mine.values() if sent.command_id in succeeded)
    most = least + undone + ledger.unsure.get(user.pk, 0)
    revision = desired.read_desired(user.pk).revision
    if not least <= revision <= most:
        yield f"user {user.pk}: revision {revision}, though {least} to {most} intents were recorded"


def answered(user: User, ledger: Ledger) -> Iterator[str]:
    """Whatever Redis took and still has is answered, and as the receipt says."""
    receipts = {
        str(receipt.command_id): receipt.result
        for receipt in Receipt.objects.filter(user_id=user.pk)
    }
    for sent in ledger.sent:
        if sent.user_id != user.pk:
            continue
        answer = client.result(user, sent.command_id)
        if not isinstance(answer, CommandResult):
            if is_promised(sent, ledger):
                yield f"user {user.pk}: {sent.command} {sent.command_id} ({sent.via}) has no answer"
            continue
        receipt = receipts.get(sent.command_id)
        if receipt is not None and answer.success != receipt["success"]:
            told = json.dumps([answer.to_dict(), receipt])
            yield f"user {user.pk}: {sent.command_id} was answered otherwise than done: {told}"


def is_promised(sent: Sent, ledger: Ledger) -> bool:
    """Whether an answer is promised: in the stream, of a Redis that kept its data since."""
    return sent.taken and sent.via is not Via.MESSAGE and sent.generation == ledger.generation
