"""The operations of the settings API.

Rule 1: no operation is without the guard that the API puts before all of them
    (`access.StaffSession`).
Rule 2: saves are told to come from ``api``.
"""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from settings_app import problems, schema, services
from settings_app.api import answers
from settings_app.api.access import user_of
from settings_app.api.answers import PreviewAnswer, SavedAnswer, TemplatesAnswer
from settings_app.api.description import (
    ANYTHING,
    CONDITIONAL,
    PREVIEWING,
    SENDING,
    SETTINGS,
    WRITING,
    operation,
    reading,
)
from settings_app.api.reading import reader
from settings_app.api.requests import (
    JSON,
    MERGE_PATCH,
    Parameter,
    Query,
    base_revision,
    is_known,
    json_body,
    no_body,
)
from settings_app.downloads import as_text, attachment, file_name
from settings_app.problems import (
    NOT_FOUND,
    PRECONDITION_REQUIRED,
    SETTINGS_DAMAGED,
    SETTINGS_TOO_NEW,
    Problem,
    errors_of_the_row,
)
from settings_app.templates import TEMPLATES, template

ORIGIN: Final = "api"

PATH = Parameter(
    "path",
    "JSON Pointer to one setting: the body is then the value there; null resets it or removes a "
    "row, `/-` behind a list adds one.",
)
ADOPT = Parameter("adopt", "Take over a document that has somebody else's identity.", is_flag=True)
IGNORE_UNKNOWN = Parameter(
    "ignoreUnknown", "Drop keys that are no settings, and note each.", is_flag=True
)
DRY_RUN = Parameter("dryRun", "Tell what would change, and save nothing.", is_flag=True)
SECTION = Parameter("section", "The one section to reset, by its key; without it, all are.")

router = Router()
get = reader(router)


# ---------------------------------------------------------------------- the document
@get(
    "",
    **reading(
        operation(
            "getSettings",
            "Read your settings",
            content={JSON: SETTINGS},
            refusals=CONDITIONAL,
            has_etag=True,
        )
    ),
)
def read_settings(request: HttpRequest) -> HttpResponse:
    """The whole document, every setting spelt out. The ETag is its revision."""
    Query(request)
    with errors_of_the_row():
        stored = services.read(user_of(request).pk)
    if is_known(request, stored.revision):
        return answers.not_modified(stored)
    return answers.settings_of(stored)


@router.put(
    "",
    **operation(
        "replaceSettings",
        "Replace your settings",
        answer=SavedAnswer,
        body={JSON: SETTINGS},
        refusals=(*WRITING, PRECONDITION_REQUIRED),
        if_match=True,
        has_etag=True,
    ),
)
def replace_settings(request: HttpRequest) -> HttpResponse:
    """Save a whole document of the current version. A setting that is left out gets its default."""
    Query(request)
    base = base_revision(request, is_required=True)
    document, user = json_body(request, JSON), user_of(request)
    return answers.saved(
        services.replace(user.pk, document, by=user, base_revision=base, origin=ORIGIN)
    )


@router.patch(
    "",
    **operation(
        "patchSettings",
        "Change some of your settings",
        answer=SavedAnswer,
        parameters=(PATH,),
        body={MERGE_PATCH: {"type": "object"}, JSON: ANYTHING},
        refusals=WRITING,
        if_match=False,
        has_etag=True,
    ),
)
def patch_settings(request: HttpRequest) -> HttpResponse:
    """Save a merge patch (RFC 7396), in which null resets a setting to its default; or, with
    `path`, the one value at that place.
    """
    path = Query(request, PATH).text(PATH)
    base, user = base_revision(request), user_of(request)
    if path is None:
        changes = json_body(request, MERGE_PATCH, JSON)
        result = services.patch(user.pk, changes, by=user, base_revision=base, origin=ORIGIN)
    else:
        value = json_body(request, JSON)
        result = services.set_value(
            user.pk, path, value, by=user, base_revision=base, origin=ORIGIN
        )
    return answers.saved(result)


@router.post(
    "/validate",
    **operation(
        "validateSettings",
        "Check settings without saving them",
        answer=PreviewAnswer,
        body={JSON: SETTINGS, MERGE_PATCH: {"type": "object"}},
        refusals=PREVIEWING,
    ),
)
def validate_settings(request: HttpRequest) -> HttpResponse:
    """What saving the whole document (or, as `application/merge-patch+json`, the patch) would
    change, or every reason why it would be refused.
    """
    Query(request)
    body, user = json_body(request, JSON, MERGE_PATCH), user_of(request)
    is_patch = request.content_type == MERGE_PATCH
    preview = services.preview_patch if is_patch else services.preview_replace
    return answers.previewed(preview(user.pk, body, by=user))


@router.post(
    "/reset",
    **operation(
        "resetSettings",
        "Give your settings their defaults again",
        answer=SavedAnswer,
        parameters=(SECTION,),
        refusals=(*SENDING, *WRITING),
        if_match=False,
        has_etag=True,
    ),
)
def reset_settings(request: HttpRequest) -> HttpResponse:
    """All of them, or one section; the identity stays. Takes no body."""
    section = Query(request, SECTION).text(SECTION)
    base, user = base_revision(request), user_of(request)
    no_body(request)
    return answers.saved(
        services.reset(user.pk, section, by=user, base_revision=base, origin=ORIGIN)
    )


# ---------------------------------------------------------------------- files
@get(
    "/export",
    **operation(
        "exportSettings",
        "Download your settings",
        content={
            JSON: {
                "type": "object",
                "required": ["exportedAt", "exportVersion", "settings"],
                "properties": {
                    "exportedAt": {"type": "string", "format": "date-time"},
                    "exportVersion": {"const": 1},
                    "settings": SETTINGS,
                },
            }
        },
        refusals=(SETTINGS_TOO_NEW, SETTINGS_DAMAGED),
    ),
)
def export_settings(request: HttpRequest) -> HttpResponse:
    """A file to keep, as an attachment. An import takes it back without a loss."""
    Query(request)
    user = user_of(request)
    with errors_of_the_row():
        export = services.export(user.pk)
    name = file_name(user.get_username(), timezone.now().date().isoformat())
    return attachment(name, JSON, as_text(export).encode())


@router.post(
    "/import",
    **operation(
        "importSettings",
        "Load settings from a file",
        answer=SavedAnswer,
        parameters=(ADOPT, IGNORE_UNKNOWN, DRY_RUN),
        body={JSON: ANYTHING},
        refusals=WRITING,
        if_match=False,
        has_etag=True,
    ),
)
def import_settings(request: HttpRequest) -> HttpResponse:
    """An export, or a bare document of any version: all of it is taken, or none. With `dryRun`
    the answer is that of validate, and the settings as they would be.
    """
    query = Query(request, ADOPT, IGNORE_UNKNOWN, DRY_RUN)
    how = {"adopt": query.flag(ADOPT), "ignore_unknown": query.flag(IGNORE_UNKNOWN)}
    is_dry_run = query.flag(DRY_RUN)
    base, user = base_revision(request), user_of(request)
    document = json_body(request, JSON)
    if is_dry_run:
        preview = services.preview_load(user.pk, document, by=user, **how)
        return answers.previewed(preview, is_whole=True)
    return answers.saved(
        services.load(user.pk, document, by=user, base_revision=base, origin=ORIGIN, **how)
    )


# ---------------------------------------------------------------------- what there is
@get(
    "/schema",
    **operation(
        "getSettingsSchema",
        "Read the schema of the settings",
        content={"application/schema+json": {"type": "object"}},
    ),
)
def read_schema(request: HttpRequest) -> HttpResponse:
    """JSON Schema 2020-12, with `x-applies`, `x-unit` and `x-effect` on the settings."""
    Query(request)
    return answers.schema(schema.json_schema())


@get(
    "/templates",
    **operation("listTemplates", "List the templates", answer=TemplatesAnswer),
)
def list_templates(request: HttpRequest) -> HttpResponse:
    """Presets, each with the merge patch that PATCH takes."""
    Query(request)
    return answers.templates(TEMPLATES)


@router.post(
    "/templates/{name}/preview",
    **operation(
        "previewTemplate",
        "See what a template would change",
        answer=PreviewAnswer,
        refusals=(*SENDING, problems.NOT_FOUND),
    ),
)
def preview_template(request: HttpRequest, name: str) -> HttpResponse:
    """What its patch would change in your settings. Takes no body."""
    Query(request)
    no_body(request)
    try:
        patch = template(name).patch
    except KeyError as exc:
        raise Problem(NOT_FOUND, exc.args[0]) from None
    user = user_of(request)
    return answers.previewed(services.preview_patch(user.pk, patch, by=user))
