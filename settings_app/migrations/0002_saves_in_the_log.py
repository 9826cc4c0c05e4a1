"""Finds a user's saves in the admin's log without reading all of it (`settings_app.history`)."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    atomic = False  # CONCURRENTLY: whoever writes to the log meanwhile does not wait

    dependencies = (
        ("settings_app", "0001_users"),
        ("admin", "0003_logentry_add_action_flag_choices"),
    )

    operations = (
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS saves_in_the_log"
            " ON django_admin_log (content_type_id, object_id, id)",
            "DROP INDEX CONCURRENTLY IF EXISTS saves_in_the_log",
        ),
    )
