"""The user in the admin: identity and rights to edit, the settings document to read.

Rule 1: a superuser sees every user; other staff see themselves, and change nothing here (their
    password and their settings have pages of their own). A stranger's row is a 404.
Rule 2: the document is shown as it is read, never edited: `settings_app.services` is the only way
    to it. Exporting and resetting it is for whoever may see it.
Rule 3: nothing is reset that was not confirmed: the revision that was shown is the base.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods, require_safe

from settings_app import downloads, resetting, services
from settings_app.errors import SettingsError
from settings_app.models import User
from settings_app.numbers import is_number
from settings_app.reporting import counted
from settings_app.schema import CURRENT_VERSION
from trading.alerts.reader import current_reader

if TYPE_CHECKING:
    BaseUserAdmin = DjangoUserAdmin[User]

    class UserRequest(HttpRequest):
        """A request behind the admin's guard: somebody is signed in."""

        user: User
else:
    BaseUserAdmin = DjangoUserAdmin  # generic in the stubs alone

LIST = "admin:settings_app_user_changelist"
PAGE = "admin:settings_app_user_change"
RESET = "admin:settings_app_user_reset_settings"

MOST_AT_ONCE = 100  # users: as many as a page of the list shows


@admin.register(User)
class UserAdmin(BaseUserAdmin):
    """Accounts, with each one's settings and wishes beneath."""

    actions = ("export_settings", "reset_settings")
    list_display = (
        "username",
        "email",
        "is_staff",
        "is_active",
        "runtime_mode",
        "wanted",
        "revision",
        "saved",
    )
    readonly_fields = (
        "sub",
        "last_login",
        "date_joined",
        "wanted",
        "runtime_mode",
        "desired_revision",
        "settings_version",
        "settings_revision",
        "settings_updated_at",
        "settings_document",
    )
    fieldsets = (
        (None, {"fields": ("username", "password", "sub")}),
        (
            "Settings",
            {
                "fields": (
                    "settings_revision",
                    "settings_updated_at",
                    "settings_version",
                    "settings_document",
                )
            },
        ),
        ("Runtime", {"fields": ("wanted", "runtime_mode", "desired_revision")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        (
            "Rights",
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )

    @admin.display(description="wanted", ordering="is_paused")
    def wanted(self, user: User) -> str:
        """Whether the runtime shall be paused, in a word."""
        if user.is_paused is None:
            return "undecided"
        return "paused" if user.is_paused else "running"

    @admin.display(description="revision", ordering="settings_revision")
    def revision(self, user: User) -> int:
        """The settings' revision, under a title that leaves the list some room."""
        return user.settings_revision

    @admin.display(description="saved", ordering="settings_updated_at")
    def saved(self, user: User) -> str:
        """When the settings were saved last, as whoever looks reads it."""
        return current_reader().minute(user.settings_updated_at)

    @admin.display(description="document")
    def settings_document(self, user: User) -> SafeString:
        """The document as it is read, and what is to be said of how it is stored."""
        context: dict[str, Any] = {"current_version": CURRENT_VERSION}
        try:
            stored = services.read(user.pk)
        except SettingsError as exc:
            context["problem"] = str(exc)
        else:
            document = stored.document.to_document()
            context["text"] = json.dumps(document, indent=2, ensure_ascii=False)
            context["stored"] = stored
        return render_to_string("admin/settings_app/user/_document.html", context)

    # ------------------------------------------------------------------ who may what
    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """The users whom the signed-in one may see."""
        users = super().get_queryset(request)
        if not request.user.is_authenticated:
            return users.none()
        return users if request.user.is_superuser else users.filter(pk=request.user.pk)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> User:
        """The user of one page.

        Raises:
            Http404: If there is none, or it is not for the signed-in one to see.
        """
        user = super().get_object(request, object_id, from_field)
        if user is None:
            raise Http404("There is no such user here.")
        return user

    def has_module_permission(self, request: HttpRequest) -> bool:
        """The list is in everybody's side bar."""
        return self.has_view_permission(request)

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

    # ------------------------------------------------------------------ export and reset
    def get_urls(self) -> list[URLPattern]:
        """The two pages of the settings before the admin's own, whose last catches everything."""
        pages: tuple[tuple[str, str, Callable[..., HttpResponse]], ...] = (
            ("export-settings/", "export_settings", self.export_page),
            ("reset-settings/", "reset_settings", self.reset_page),
        )
        own = [
            path(address, self.admin_site.admin_view(view), name=f"settings_app_user_{name}")
            for address, name, view in pages
        ]
        return [*own, *super().get_urls()]

    @admin.action(description="Export settings", permissions=["view"])
    def export_settings(self, request: HttpRequest, users: QuerySet[User]) -> HttpResponse:
        """One file for one user, a zip for several."""
        _require_all(request, users)
        return self._export(request, users, back=request.get_full_path())

    @admin.action(description="Reset settings to defaults…", permissions=["view"])
    def reset_settings(self, request: HttpRequest, users: QuerySet[User]) -> HttpResponse:
        """Ask first, on a page that says what would change."""
        _require_all(request, users)
        ids = list(users.order_by("username").values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
        if len(ids) > MOST_AT_ONCE:
            return self._too_many(request)
        return redirect(f"{reverse(RESET)}?{urlencode({'id': ids}, doseq=True)}")

    @method_decorator(require_safe)
    def export_page(self, request: HttpRequest) -> HttpResponse:
        """The file itself: ``?id=7``."""
        users = self._chosen(request, request.GET.getlist("id"))
        return self._export(request, users, back=reverse(PAGE, args=[users[0].pk]))

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def reset_page(self, request: UserRequest) -> HttpResponse:
        """Name the users and what would change; a POST of that page resets them."""
        given = request.POST if request.method == "POST" else request.GET
        users = self._chosen(request, given.getlist("id"))
        if request.method != "POST":
            return self._confirmation(request, users)
        for user in users:
            base = request.POST.get(f"revision-{user.pk}", "")
            outcome = resetting.reset(user, by=request.user, base=base)
            level = messages.SUCCESS if outcome.is_done else messages.ERROR
            self.message_user(request, outcome.text, level)
        return redirect(LIST) if len(users) > 1 else redirect(PAGE, users[0].pk)

    def _confirmation(self, request: HttpRequest, users: Sequence[User]) -> HttpResponse:
        plans = [resetting.plan(user) for user in users]
        changed = [plan for plan in plans if plan.changes]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Reset settings to defaults",
            "plans": plans,
            "act": _act(changed),
            "back": reverse(LIST) if len(users) > 1 else reverse(PAGE, args=[users[0].pk]),
        }
        return TemplateResponse(request, "admin/settings_app/user/reset_settings.html", context)

    def _chosen(self, request: HttpRequest, ids: Sequence[str]) -> list[User]:
        """Those of the users that the address or the form names; a stranger makes it a 404."""
        if not ids or len(ids) > MOST_AT_ONCE or not all(map(is_number, ids)):
            raise Http404("There is no such user here.")
        users = list(self.get_queryset(request).filter(pk__in=ids).order_by("username"))
        if len(users) != len(set(ids)):
            raise Http404("There is no such user here.")
        return users

    def _export(
        self, request: HttpRequest, users: QuerySet[User] | Sequence[User], *, back: str
    ) -> HttpResponse:
        chosen = list(users[: MOST_AT_ONCE + 1])
        if len(chosen) > MOST_AT_ONCE:
            return self._too_many(request)
        try:
            return downloads.download(chosen)
        except downloads.NotExported as exc:
            self.message_user(request, f"Nothing was exported. {exc}", messages.ERROR)
            return HttpResponseRedirect(back)

    def _too_many(self, request: HttpRequest) -> HttpResponse:
        self.message_user(
            request, f"Choose at most {MOST_AT_ONCE} users at once.", messages.WARNING
        )
        return HttpResponseRedirect(request.get_full_path())


def _require_all(request: HttpRequest, users: QuerySet[User]) -> None:
    """Refuse a selection of which some are gone, or not for the signed-in one to see.

    Raises:
        Http404: If so: nothing is done for the others either.
    """
    is_everybody = request.POST.get("select_across") == "1"
    named = set(request.POST.getlist(ACTION_CHECKBOX_NAME))
    if not is_everybody and users.count() != len(named):
        raise Http404("There is no such user here.")


def _act(changed: Sequence[resetting.Plan]) -> str:
    """What the button says; empty where there is nothing to do."""
    if not changed:
        return ""
    if len(changed) > 1:
        return f"Reset the settings of {len(changed)} users"
    [plan] = changed
    return f"Reset {counted(len(plan.changes), 'setting')} of {plan.user.get_username()}"
