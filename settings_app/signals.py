"""What this room tells the rooms above it."""

from __future__ import annotations

from django.dispatch import Signal

#: Sent once for each saved document, after its transaction has committed, with ``user_id: int``,
#: ``sub: str``, ``revision: int`` and ``origin: str`` (where the change came from: "admin", …).
#: A receiver that raises is logged; the document stays saved.
settings_saved = Signal()
