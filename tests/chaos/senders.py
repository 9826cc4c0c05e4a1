"""Those who send: people at the client, foreign programs, repeaters and talkers of nonsense.

Rule 1: a sender never waits for an answer: the verdict looks for it at the end.
"""

from __future__ import annotations

import json
import random
import threading
from typing import Any

import redis
from django.db import Error as DatabaseError
from django.db import connections

from control import client, wire
from control.protocol import INTENTS, Command, commands_of
from settings_app.models import User
from tests.chaos.ledger import Ledger, Sent, Via
from tests.faults.stage import foreign

PACE_SECONDS = 0.15
WAYS = {"client": 6, "stream": 4, "message": 2, "again": 1, "nonsense": 1}
WEIGHTS: dict[Command, int] = {
    Command.PAUSE: 6,
    Command.RESUME: 6,
    Command.SWITCH_MODE: 4,
    Command.RELOAD_SETTINGS: 4,
    Command.ADD_SYMBOL: 2,
    Command.REMOVE_SYMBOL: 2,
    Command.FORCE_BACKFILL: 1,
    Command.CLEAR_CACHE: 1,
    Command.STATUS: 3,
    Command.UNDO: 2,
}
NONSENSE = ["{", "[]", "7", '{"id":"x","command":"explode"}', '{"id":"\\ud800"}', "[" * 5_000]


class Sender(threading.Thread):
    """One of those, for one user, until told to stop."""

    def __init__(self, user: User, seed: str, ledger: Ledger, stop: threading.Event) -> None:
        super().__init__(name=f"sender {seed}", daemon=True)
        self._user = user
        self._random = random.Random(seed)
        self._ledger = ledger
        self._stop_asked = stop
        self._earlier: list[dict[str, Any]] = []
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self._stop_asked.wait(self._random.uniform(0, 2 * PACE_SECONDS)):
                self._send_something()
        except BaseException as exc:  # noqa: BLE001 - the verdict tells of it
            self.failure = exc
        finally:
            connections.close_all()

    def _send_something(self) -> None:
        match self._random.choices(list(WAYS), list(WAYS.values())):
            case ["client"]:
                self._as_a_person()
            case ["stream"]:
                count = self._random.choice([1, 1, 3])  # three are a batch
                self._as_a_program([self._composed() for _ in range(count)])
            case ["message"]:
                self._by_a_message(self._composed())
            case ["again"] if self._earlier:
                self._as_a_program([self._random.choice(self._earlier)])
            case _:
                self._write(self._random.choice(NONSENSE))

    def _as_a_person(self) -> None:
        command = self._drawn()
        generation = self._ledger.generation
        try:
            answer = client.send(self._user, command, self._payload(command), wait=None)
        except client.NotSent as exc:
            self._ledger.tell(f"user {self._user.pk} {command}: {exc}")
            return
        except DatabaseError as exc:
            connections.close_all()
            if command in INTENTS:
                self._ledger.note_unsure(self._user.pk, command, str(exc).splitlines()[0])
            return
        recorded = answer.recorded.revision if answer.recorded else None
        self._note(answer.command_id, command, Via.CLIENT, answer.sent, generation, recorded)

    def _as_a_program(self, commands: list[dict[str, Any]]) -> None:
        generation = self._ledger.generation
        taken = self._write(json.dumps(commands if len(commands) > 1 else commands[0]))
        self._earlier = [*self._earlier[-20:], *commands]
        for each in commands:
            self._note(each["id"], each["command"], Via.STREAM, taken, generation)

    def _by_a_message(self, command: dict[str, Any]) -> None:
        generation = self._ledger.generation
        try:
            heard = wire.shared().publish(commands_of(self._user.sub), json.dumps(command))
        except redis.RedisError:
            heard = 0
        self._note(command["id"], command["command"], Via.MESSAGE, bool(heard), generation)

    def _write(self, text: str) -> bool:
        try:
            with wire.shared().pipeline(transaction=True) as pipe:
                pipe.xadd(commands_of(self._user.sub), {"command": text})
                pipe.publish(commands_of(self._user.sub), text)
                pipe.execute()
        except redis.RedisError:
            return False
        return True

    def _note(
        self,
        command_id: str,
        command: str,
        via: Via,
        taken: bool,
        generation: int,
        recorded: int | None = None,
    ) -> None:
        self._ledger.note(
            Sent(
                user_id=self._user.pk,
                command_id=command_id,
                command=command,
                via=via,
                taken=taken and generation == self._ledger.generation,
                generation=generation,
                recorded=recorded,
            )
        )

    def _composed(self) -> dict[str, Any]:
        command = self._drawn()
        payload = self._payload(command)
        return foreign(command, **({} if payload is None else {"payload": payload}))

    def _drawn(self) -> Command:
        return self._random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]

    def _payload(self, command: Command) -> dict[str, Any] | None:
        match command:
            case Command.SWITCH_MODE:
                return {"mode": self._random.choice(["position-monitor", "scalper-macdv"])}
            case Command.ADD_SYMBOL | Command.REMOVE_SYMBOL | Command.FORCE_BACKFILL:
                return {"symbol": self._random.choice(["ETH-USD", "SOL-USD"])}
            case Command.CLEAR_CACHE:
                # Not all: that removes the very answers by which everything is judged.
                return {"scope": "timeframe", "timeframe": "1m"}
            case _:
                return None
