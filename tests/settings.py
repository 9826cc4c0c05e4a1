"""The program's own settings on the tests' own servers."""

from __future__ import annotations

import os

from tests.stack import announce

STACK = announce()

from livermore.settings import *  # noqa: E402, F403 - they read what was just announced

# Processes that tests start use the real settings, at the same addresses.
os.environ["DJANGO_SETTINGS_MODULE"] = "livermore.settings"

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick, nothing to protect
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "testserver"]

# This process serves pages beside its tests, which end and begin no incident unless they mean to.
WATCHES_FOR_WORKERS = False
