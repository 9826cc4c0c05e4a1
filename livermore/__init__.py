"""The program around the rooms: settings, addresses, the embedded stack.

It knows everyone and decides nothing.
"""
