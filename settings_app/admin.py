"""The user in the admin: identity and rights to edit, the settings document to read.

Rule 1: a superuser sees every user; other staff see themselves, and change nothing here (their
    password and their settings have pages of their own).
Rule 2: the document is shown, never edited: `settings_app.services` is the only way to it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from settings_app import services
from settings_app.errors import SettingsError
from settings_app.models import User

if TYPE_CHECKING:
    BaseUserAdmin = DjangoUserAdmin[User]
else:
    BaseUserAdmin = DjangoUserAdmin  # generic in the stubs alone


@admin.register(User)
class UserAdmin(BaseUserAdmin):
    """Accounts, with each one's settings and wishes beneath."""

    list_display = (
        "username",
        "email",
        "is_staff",
        "is_active",
        "runtime_mode",
        "is_paused",
        "settings_revision",
        "settings_updated_at",
    )
    readonly_fields = (
        "sub",
        "last_login",
        "date_joined",
        "is_paused",
        "runtime_mode",
        "desired_revision",
        "settings_version",
        "settings_revision",
        "settings_updated_at",
        "settings_document",
        "upgrade_notes",
    )
    fieldsets = (
        (None, {"fields": ("username", "password", "sub")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        (
            "Rights",
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        ("Dates", {"fields": ("last_login", "date_joined")}),
        ("Runtime", {"fields": ("is_paused", "runtime_mode", "desired_revision")}),
        (
            "Settings",
            {
                "fields": (
                    "settings_version",
                    "settings_revision",
                    "settings_updated_at",
                    "settings_document",
                    "upgrade_notes",
                )
            },
        ),
    )

    @admin.display(description="document")
    def settings_document(self, user: User) -> SafeString:
        """The document as it is stored, indented."""
        text = json.dumps(user.settings, indent=2, ensure_ascii=False, sort_keys=True)
        return format_html(
            '<pre class="lv-document" tabindex="0" role="region" aria-label="Settings document">'
            "{}</pre>",
            text,
        )

    @admin.display(description="upgrade")
    def upgrade_notes(self, user: User) -> str:
        """What reading the document moves or drops, or why it cannot be read."""
        try:
            stored = services.read(user.pk)
        except SettingsError as exc:
            return str(exc)
        return "\n".join(map(str, stored.notes)) or "Nothing to upgrade."

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """The users whom the signed-in one may see."""
        users = super().get_queryset(request)
        if not request.user.is_authenticated:
            return users.none()
        return users if request.user.is_superuser else users.filter(pk=request.user.pk)

    def has_view_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Everybody on the staff may look at themselves."""
        if request.user.is_superuser:
            return True
        return request.user.is_staff and (obj is None or obj.pk == request.user.pk)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only a superuser makes users."""
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Only a superuser changes users: a form that can set rights is not for staff."""
        del obj
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Only a superuser removes users."""
        del obj
        return request.user.is_superuser
