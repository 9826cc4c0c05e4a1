"""The shells that move bytes: sockets, HTTP, budgets, backoff.

Rule 1: a shell carries text in and out; what the text means is the exchange's folder's business.
Rule 2: every wait has an end, and every retry a growing, jittered delay.
"""
