"""From a signal to what a user is told.

Rule 1: composing is pure; rows are written by ``control``, under the user's fence.
"""
