"""The exchanges the simulator can pretend to be: one folder each, sans-I/O.

Rule 1: a venue turns the world into frames and bodies; it opens no socket and reads no clock.
"""
