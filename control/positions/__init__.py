"""Positions that the exchanges know of: what is read, when, and how it becomes rows."""
