"""Putting commands on the wire: into the user's stream, and the word of it to whoever listens.

Rule 1: one script, so one trip and one moment: whoever hears the word finds everything in the
    stream, and nothing else has come between.
Rule 2: the word to workers says where the entries are and what is before them. A worker that has
    that has nothing to look up; every other looks, for the command itself is published as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import redis.asyncio

from control import wire
from control.protocol import Origin, RuntimeCommand, commands_of, entries_of

POST: Final = """
local before = '0-0'
local stream = redis.pcall('XINFO', 'STREAM', KEYS[1])
if not stream['err'] then
  for i = 1, #stream, 2 do
    if stream[i] == 'last-generated-id' then before = stream[i + 1] end
  end
end
local entries = {}
for i = 4, #ARGV do
  local id = redis.call('XADD', KEYS[1], '*', 'command', ARGV[i], 'origin', ARGV[2])
  entries[#entries + 1] = {id, ARGV[i]}
end
redis.call('PUBLISH', ARGV[1], cjson.encode({before = before, origin = ARGV[2], entries = entries}))
return redis.call('PUBLISH', KEYS[1], ARGV[3])
"""


def post(sub: str, messages: Sequence[RuntimeCommand], origin: Origin) -> int:
    """Put commands on the wire; how many listen.

    Raises:
        redis.RedisError: If Redis did not confirm it; it may have taken it all the same.
    """
    with wire.no_room_in_plain_words():
        heard_by: Any = wire.shared().register_script(POST)(
            keys=[commands_of(sub)], args=_told(sub, messages, origin)
        )
    return int(heard_by)


async def apost(
    client: redis.asyncio.Redis, sub: str, messages: Sequence[RuntimeCommand], origin: Origin
) -> int:
    """:func:`post` for the running loop."""
    with wire.no_room_in_plain_words():
        heard_by: Any = await client.register_script(POST)(
            keys=[commands_of(sub)], args=_told(sub, messages, origin)
        )
    return int(heard_by)


def body_of(texts: Sequence[str]) -> str:
    """What is published of commands: the one, or a batch of them."""
    return texts[0] if len(texts) == 1 else f"[{','.join(texts)}]"


def _told(sub: str, messages: Sequence[RuntimeCommand], origin: Origin) -> list[str]:
    texts = [message.to_json() for message in messages]
    return [entries_of(sub), origin.to_json(), body_of(texts), *texts]
