"""A stand-in for Discord's webhooks, on loopback.

Rule 1: it refuses whatever Discord refuses, in Discord's words and shapes, and keeps what it took.
Rule 2: it breaks on order only, so that a test knows what it met.
"""
