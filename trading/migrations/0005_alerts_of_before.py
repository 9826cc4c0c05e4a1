"""Alerts of before there were deliveries wait for none: they were recorded only."""

from django.db import migrations


def record_only(apps, schema_editor):
    Alert = apps.get_model("trading", "Alert")
    Alert.objects.filter(state="pending", deliveries__isnull=True).update(state="recorded")


class Migration(migrations.Migration):
    dependencies = [("trading", "0004_alerts_delivered")]

    operations = [migrations.RunPython(record_only, migrations.RunPython.noop)]
