"""Reloading the settings: the difference between two documents, and how it is applied."""

from __future__ import annotations

from control.effects.base import Done, Work, unusable, watched, watching
from control.plan import Situation
from settings_app.differences import changed_paths
from settings_app.schema import Applies, applies_at, is_recorded_only

MOST_CHANGES = 100
# What the plan is made of: while paused, it is noted for the resume.
OF_THE_PLAN = (
    "/watchlist",
    "/position_symbols",
    "/load_positions_from_exchange",
    "/modes",
    "/exchanges",
    "/perseus_profile/trade_settings/stop_loss_percentage",
    "/perseus_profile/trade_settings/take_profit_percentage",
)


def reload(work: Work) -> Done:
    """Apply what is stored now, and only what is different."""
    now = work.ledger.situation()
    if now.plan is None:
        raise unusable(now, "the settings before stay in effect")
    known = work.before.situation
    if known is not None and known.settings_revision == now.settings_revision:
        made = list(work.before.changes)
        message = f"nothing had changed; revision {now.settings_revision} is applied already"
        if watched(known) != watched(now):  # the positions moved
            message = f"{watching(now)}; the settings had not changed"
        elif known.plan is not None and known.plan.holdings != now.plan.holdings:
            message = "what positions cost is applied; the settings had not changed"
    else:
        made = list(changes(known, now))
        message = f"settings revision {now.settings_revision} applied"
    data = {**work.data(now), "changes": made[:MOST_CHANGES]}
    if len(made) > MOST_CHANGES:
        data["moreChanges"] = len(made) - MOST_CHANGES
    return Done(message=message, data=data, situation=now)


def changes(before: Situation | None, now: Situation) -> tuple[dict[str, str], ...]:
    """Which settings differ, and how each took effect. Places, never values.

    Args:
        before: What was in effect; of a first situation nothing is a change.
    """
    if before is None or before.document is None or now.document is None:
        return ()
    old, new = before.document.to_document(), now.document.to_document()
    return tuple({"path": path, "applied": _applied(path, now)} for path in changed_paths(old, new))


def _applied(path: str, now: Situation) -> str:
    if is_recorded_only(path):
        return "recorded only"
    applies = applies_at(path)
    if applies is Applies.AT_ONCE and now.desired.is_paused and path.startswith(OF_THE_PLAN):
        return str(Applies.ON_RESUME)
    return str(applies)
