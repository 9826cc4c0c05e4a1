"""What happened to a user, in the admin: alerts, their deliveries, mutes, incidents.

Rule 1: staff see their own rows; a superuser everybody's. A stranger's row is a 404.
Rule 2: what happened is history: nobody adds or changes it, and only a superuser deletes it. What
    can be done about it (to send again, to acknowledge) is an action, by POST, on one's own rows.
Rule 3: what was sent and what became of it is :mod:`control.deliveries`' to decide.
"""

from control.admin.alerts import AlertAdmin
from control.admin.deliveries import DeliveryAdmin
from control.admin.incidents import IncidentAdmin
from control.admin.mutes import MuteAdmin

__all__ = ["AlertAdmin", "DeliveryAdmin", "IncidentAdmin", "MuteAdmin"]
