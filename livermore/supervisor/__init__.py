"""``python -m livermore run``: one process tree from one command, and nothing left of it after.

Rule 1: the order is lock, port, servers, preparation, programs; what fails leaves nothing running.
Rule 2: a program that ends is started again, with growing pauses, and the log says so.
Rule 3: nothing here knows what the programs do.
"""
