"""``make chaos``: users, senders and faults at random, on real processes, and a verdict at the end.

Rule 1: what happens is drawn from the seed. When it happens is the machine's affair, so a seed
    brings a mixture back, not an instant.
Rule 2: only what is promised is judged: what a sender was told, and what stands in PostgreSQL.
"""
