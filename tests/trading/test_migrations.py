"""What a migration makes of rows that were there before it."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps

from tests.control.alerts import delivery, told
from tests.settings_app.factories import UserFactory
from trading.models import Alert

pytestmark = pytest.mark.django_db


def test_alerts_of_before_there_were_deliveries_wait_for_none() -> None:
    user = UserFactory.create()
    before, waiting, missed = told(user), told(user, hour=1), told(user, hour=2, state="missed")
    delivery(waiting)
    import_module("trading.migrations.0005_alerts_of_before").record_only(apps, None)
    states = dict(Alert.objects.values_list("pk", "state"))
    assert states == {before.pk: "recorded", waiting.pk: "pending", missed.pk: "missed"}
