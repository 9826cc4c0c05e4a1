"""What a user was told, over HTTP: to search, to export, to send again, to mute.

Rule 1: an operation is guard, query, body, service, answer. Whose alerts are meant is said by the
    session alone, and a stranger's row is a 404 like one that never was.
Rule 2: what becomes of an alert is decided in :mod:`control.deliveries`; nothing is sent here.
Rule 3: a name, or an address, that is a secret stands in no answer: a delivery has its reason, and
    a reason has none.
"""
