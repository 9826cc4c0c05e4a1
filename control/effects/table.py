"""Which command has which effect."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from control.effects import intents, market, settings, symbols, undo
from control.effects.base import Done, Work
from control.protocol import Command

Effect = Callable[[Work], Done]


def _is_a_question(work: Work) -> Done:
    raise AssertionError(f"{work.command.command} is answered without a decision")


EFFECTS: Mapping[Command, Effect] = {
    Command.PAUSE: intents.pause,
    Command.RESUME: intents.resume,
    Command.SWITCH_MODE: intents.switch_mode,
    Command.RELOAD_SETTINGS: settings.reload,
    Command.ADD_SYMBOL: symbols.add,
    Command.REMOVE_SYMBOL: symbols.remove,
    Command.FORCE_BACKFILL: market.force_backfill,
    Command.CLEAR_CACHE: market.clear_cache,
    Command.UNDO: undo.undo,
    Command.STATUS: _is_a_question,
}
