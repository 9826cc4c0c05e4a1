"""A user's symbols: what is watched by their own word.

Needs settings *and* commands, and so it stands here.
"""
