"""From the row of an alert to whoever has to read it, by every channel that its owner wants.

Rule 1: an alert and its deliveries are one transaction: no alert is forgotten, none is invented.
Rule 2: a delivery is sent by whoever has claimed it, once. What may have arrived is uncertain and
    is not sent again by itself.
Rule 3: a channel that hangs, refuses or is gone delays no other channel, no other user, and
    nothing of the data plane.
"""
