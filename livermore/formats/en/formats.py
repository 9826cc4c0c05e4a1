"""Moments as our own pages write them where the settings say nothing else; in the reader's zone.

Django's admin has no other way to ask for a format; what is listed of our own is written by
``trading.alerts.reader``, in the reader's own.
"""

from __future__ import annotations

DATE_FORMAT = SHORT_DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i:s"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "Y-m-d H:i:s"
