"""The runtime over HTTP: its commands, its status, its history, and which credentials it has.

Rule 1: an operation is guard, query, body, client, answer. What a command means is the runtime's.
Rule 2: whose runtime is meant is said by the session alone.
Rule 3: what a request holds is either used or refused, and no refusal repeats it.
"""
