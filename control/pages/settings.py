"""The settings page: the document as a form and as JSON, side by side.

Rule 1: with JavaScript the page speaks to the API alone; without it, each of the two views is a
    form of its own, and what it posts goes through the same services.
Rule 2: whoever is refused sees what they typed again, with what is wrong at each place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from control.api.credentials import named_in
from control.pages.drafts import Draft
from control.pages.filling import FillForm, in_words
from control.pages.shared import heard_by, render
from settings_app import services
from settings_app.errors import FieldError, SettingsInvalid, SettingsTooNew, StaleRevision
from settings_app.forms import blanks, form_of, title_of
from settings_app.schema import Applies, applies_at
from settings_app.schema.registries import timezones
from settings_app.services import Saved, Stored
from settings_app.templates import TEMPLATES

if TYPE_CHECKING:
    from control.pages.shared import UserRequest

ORIGIN = "page"  # as the log of a save and its listeners know it


@require_safe
@never_cache
def settings(request: UserRequest) -> HttpResponse:
    """The page."""
    try:
        stored = services.read(request.user.pk)
    except (SettingsInvalid, SettingsTooNew) as exc:
        return _unreadable(request, exc)
    return _page(request, stored, Draft.of(stored))


@require_POST
def save(request: UserRequest) -> HttpResponse:
    """Save what was posted, or show it again with what is wrong."""
    try:
        stored = services.read(request.user.pk)
    except (SettingsInvalid, SettingsTooNew) as exc:
        return _unreadable(request, exc)
    draft = Draft.posted(request, stored)
    if draft is None:
        messages.error(request, "Nothing was saved: that did not come from this page.")
        return redirect("admin:settings")
    if draft.errors:
        return _page(request, stored, draft, code=422)
    if not draft.is_to_save:
        unsaved = {"why": "The rows stand in another order."}
        return _page(request, stored, draft.shown_again(), unsaved=unsaved)
    user = request.user
    try:
        saved = services.replace(
            user.pk, draft.document, by=user, base_revision=draft.revision, origin=ORIGIN
        )
    except SettingsInvalid as exc:
        return _page(request, stored, draft.refused(exc.errors), code=422)
    except SettingsTooNew as exc:
        return _unreadable(request, exc)
    except StaleRevision as exc:
        newer = services.read(user.pk)
        offered = draft.on(exc.current, exc.offered)
        return _page(request, newer, offered, code=412, stale=_told(exc))
    messages.success(request, _outcome(saved, is_heard=heard_by(request, request.user).is_current))
    return redirect("admin:settings")


@require_POST
def fill(request: UserRequest) -> HttpResponse:
    """Fill in the form from a template or a file, and say what that would change; save nothing."""
    try:
        stored = services.read(request.user.pk)
    except (SettingsInvalid, SettingsTooNew) as exc:
        return _unreadable(request, exc)
    form = FillForm(request.POST, request.FILES)
    try:
        preview = form.preview(request.user)
        draft = Draft.filled(preview)
    except (SettingsInvalid, SettingsTooNew) as exc:
        errors = exc.errors if isinstance(exc, SettingsInvalid) else (FieldError("", str(exc)),)
        return _page(request, stored, Draft.of(stored), code=422, refused=_worded(errors))
    unsaved = {
        "why": form.why,
        "changes": [
            (one.path, title_of(one.path), in_words(one.old), in_words(one.new))
            for one in preview.changes
        ],
        "notes": preview.notes,
    }
    return _page(request, stored, draft, unsaved=unsaved)


@require_POST
def reset(request: UserRequest) -> HttpResponse:
    """Give settings that cannot be read their defaults; any others are left alone."""
    user = request.user
    try:
        services.read(user.pk)
    except SettingsTooNew as exc:
        return _unreadable(request, exc)
    except SettingsInvalid:
        saved = services.reset(user.pk, by=user, origin=ORIGIN)
        messages.success(
            request, f"Revision {saved.revision}: every setting has its default again."
        )
    return redirect("admin:settings")


def _page(
    request: UserRequest, stored: Stored, draft: Draft, *, code: int = 200, **context: Any
) -> HttpResponse:
    before = stored.document.to_document()
    heard = heard_by(request, request.user)
    return render(
        request,
        "livermore/settings.html",
        page="settings",
        title="Settings",
        code=code,
        stored=stored,
        saved_at=stored.updated_at.timestamp() * 1_000,
        draft=draft,
        sections=form_of(draft.document, draft.errors),
        problems=_worded(draft.errors),
        chips={one.pointer: one for one in named_in(stored, request.user)},
        is_applied=heard.is_current
        and heard.status is not None
        and heard.status.settings_revision >= stored.revision,
        is_heard=heard.is_current,
        timezones=sorted(timezones()),
        templates=TEMPLATES,
        boot={
            "settings": before,
            "draft": draft.document if draft.document != before else None,
            "revision": draft.revision,  # on which it was made: what others saved since stays
            "version": stored.document.version,
            "sub": stored.sub,
            "blanks": blanks(),
            "templates": {one.name: one.patch for one in TEMPLATES},
        },
        **context,
    )


def _unreadable(request: UserRequest, exc: SettingsInvalid | SettingsTooNew) -> HttpResponse:
    """A page without a form: what is stored cannot be shown, and is left alone."""
    return render(
        request,
        "livermore/settings_unreadable.html",
        page="settings",
        title="Settings",
        code=409,
        is_newer=isinstance(exc, SettingsTooNew),
        text=str(exc) if isinstance(exc, SettingsTooNew) else "",
        problems=exc.errors if isinstance(exc, SettingsInvalid) else (),
    )


def _worded(errors: Iterable[FieldError]) -> list[tuple[str, FieldError]]:
    """Each error with the name of its field."""
    return [(title_of(error.pointer), error) for error in errors]


def _told(exc: StaleRevision) -> dict[str, Any]:
    """Who changed what meanwhile, in words."""
    return {
        "current": exc.current,
        "conflicts": [title_of(place) for place in exc.conflicts],
        "changes": [
            {
                "revision": change.revision,
                "by": change.by,
                "at": change.at.timestamp() * 1_000,
                "titles": [title_of(place) for place in change.paths],
            }
            for change in exc.changes
        ],
    }


def _outcome(saved: Saved, *, is_heard: bool) -> str:
    """What a save did, in a sentence or two."""
    if not saved.changed_paths:
        return f"Nothing was different: revision {saved.revision} stays."
    moments = [applies_at(change.path) for change in saved.changes]
    counts = [f"{moments.count(when)} {when}" for when in Applies if when in moments]
    changes = "1 change" if len(moments) == 1 else f"{len(moments)} changes"
    text = f"Revision {saved.revision} saved: {changes}, {', '.join(counts)}."
    if is_heard:
        return f"{text} The runtime applies it now."
    return f"{text} Recorded, not yet applied: the runtime will do it as soon as it is back."


def urlpatterns(site: AdminSite) -> list[URLPattern]:
    """The page's addresses behind ``site``'s own guard."""
    # The JSON editor writes its styles itself.
    styled = csp_update({"style-src": [SELF, UNSAFE_INLINE]})
    page: Callable[..., HttpResponseBase] = site.admin_view(settings)
    saving: Callable[..., HttpResponseBase] = site.admin_view(save)
    filling: Callable[..., HttpResponseBase] = site.admin_view(fill)
    return [
        path("settings/", styled(page), name="settings"),
        path("settings/save", styled(saving), name="settings-save"),
        path("settings/fill", styled(filling), name="settings-fill"),
        path("settings/reset", site.admin_view(reset), name="settings-reset"),
    ]
