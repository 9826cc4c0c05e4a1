"""Livermore's settings, middleware and all; only the addresses are one more."""

from livermore.settings import *  # noqa: F403 - all of them

ROOT_URLCONF = "tests.benchmarks.site.urls"
