"""What the OpenAPI document says beyond what ninja finds out by itself.

Rule 1: the settings document is described by its own schema (`schema.json_schema`), with the
    moment at which each change applies written into the text, for every viewer shows that.
Rule 2: every operation names the problems it can answer with; each has one description.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from settings_app import problems
from settings_app.api.answers import Answer, ErrorAnswer, SavedAnswer
from settings_app.api.requests import A_MOMENT, Parameter
from settings_app.problems import Kind
from settings_app.schema import json_schema

Node = dict[str, Any]

SETTINGS: Final = {"$ref": "#/components/schemas/Settings"}
ANYTHING: Final = {"description": "A JSON value."}

_PROBLEM: Final = {"$ref": "#/components/schemas/Problem"}
_ALWAYS: Final = (
    problems.MALFORMED_REQUEST,
    problems.NOT_SIGNED_IN,
    problems.NOT_STAFF,
    problems.INTERNAL_ERROR,
    problems.UNAVAILABLE,
)
_READING: Final = (problems.SETTINGS_TOO_NEW,)
_BODY: Final = (
    problems.MALFORMED_JSON,
    problems.TOO_LARGE,
    problems.UNSUPPORTED_MEDIA_TYPE,
    problems.INVALID_SETTINGS,
)
SENDING: Final = (problems.CSRF_FAILED, *_READING)
PREVIEWING: Final = (*SENDING, *_BODY)
WRITING: Final = (*SENDING, *_BODY, problems.STALE_REVISION, problems.PRECONDITION_FAILED)
CONDITIONAL: Final = (*_READING, problems.SETTINGS_DAMAGED, problems.PRECONDITION_FAILED)

_IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "description": (
        "The ETag of the settings that the change was made on, or `*`. Where others have saved "
        "since, the change is carried over if it touches other places; else it is refused."
    ),
    "schema": {"type": "string", "examples": ['"7"', "*"]},
}
_IF_NONE_MATCH: Final = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of the settings that are known already: 304 while it is the same.",
    "schema": {"type": "string", "examples": ['"7"']},
}
_ETAG: Final = {
    "ETag": {
        "description": "The revision of the settings, in quotes.",
        "schema": {"type": "string", "examples": ['"7"']},
    }
}


def operation(
    name: str,
    summary: str,
    *,
    answer: type[Answer] | Mapping[int, Any] | None = None,
    content: Mapping[str, Any] | None = None,
    parameters: Sequence[Parameter] = (),
    body: Mapping[str, Any] | None = None,
    refusals: Sequence[Kind] = (),
    if_match: bool | None = None,
    has_etag: bool = False,
    tag: str = "settings",
) -> dict[str, Any]:
    """The arguments of a router's decorator.

    Args:
        name: The operation's id.
        answer: What it answers, where that is a model, or models by status; else ``content`` says
            it by media type.
        body: Schemas by media type; None takes no body.
        refusals: The problems it can answer with, beside those that everything can.
        if_match: Whether ``If-Match`` is required; None: it means nothing here.
        has_etag: The answer has a tag.
        tag: The group it is shown in.
    """
    described = [_described(parameter) for parameter in parameters]
    if if_match is not None:
        described.append({**_IF_MATCH, "required": if_match})
    extra: Node = {"parameters": described, "responses": _responses(refusals)}
    if content:
        media = {kind: {"schema": node} for kind, node in content.items()}
        extra["responses"].setdefault(200, {})["content"] = media
    if has_etag:
        extra["responses"].setdefault(200, {})["headers"] = _ETAG
    if body is not None:
        taken = {kind: {"schema": node} for kind, node in body.items()}
        extra["requestBody"] = {"required": True, "content": taken}
    told = {"response": answer} if answer is not None else {}
    return {
        "operation_id": name,
        "summary": summary,
        "tags": [tag],
        "by_alias": True,
        "openapi_extra": extra,
        **told,
    }


def reading(described: dict[str, Any]) -> dict[str, Any]:
    """The same, of an operation that answers 304 to who has it already."""
    extra = described["openapi_extra"]
    extra["parameters"].append(_IF_NONE_MATCH)
    extra["responses"][304] = {"description": "Not Modified", "headers": _ETAG}
    return described


def complete(document: Node, kinds: Sequence[Kind] = problems.KINDS) -> None:
    """Add to an OpenAPI document the schemas that its operations refer to.

    Args:
        kinds: Every problem that any of them can answer with.
    """
    schemas = document["components"]["schemas"]
    schemas["Settings"] = spelt_out(json_schema())
    del schemas["Settings"]["$schema"]  # OpenAPI 3.1 has this dialect anyway
    schemas["Problem"] = _problem_schema(kinds)
    settings = schemas[SavedAnswer.__name__]["properties"]["settings"]
    schemas[SavedAnswer.__name__]["properties"]["settings"] = {
        **SETTINGS,
        "description": settings["description"],
    }


def spelt_out(node: Node) -> Node:
    """A schema whose descriptions say in words what its ``x-`` keywords say."""
    node = dict(node)
    said = [node[key] for key in ("description",) if key in node]
    if "x-unit" in node:
        said.append(f"Unit: {node['x-unit']}.")
    if "x-applies" in node:
        said.append(f"Applies {node['x-applies']}.")
    if "x-effect" in node:
        said.append(f"Effect: {node['x-effect']}.")
    if said:
        node["description"] = " ".join(said)
    if "properties" in node:
        node["properties"] = {key: spelt_out(member) for key, member in node["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            node[key] = spelt_out(node[key])
    return node


def _described(parameter: Parameter) -> Node:
    schema: Node = {"type": "string"}
    if parameter.is_flag:
        schema = {"type": "boolean", "default": False}
    elif parameter.bounds is not None:
        least, most = parameter.bounds
        kind = "integer" if parameter.is_whole else "number"
        schema = {"type": kind, "minimum": least, "maximum": most}
    elif parameter.choices:
        schema["enum"] = list(parameter.choices)
    elif parameter.is_moment:
        schema |= {"format": "date-time", "examples": [A_MOMENT]}
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        "schema": schema,
    }


def _responses(refusals: Sequence[Kind]) -> dict[int, Node]:
    told: dict[int, Node] = {}
    for kind in sorted({*_ALWAYS, *refusals}, key=lambda kind: (kind.status, kind.name)):
        line = f"{kind.title} (`{kind.type}`)."
        known = told.get(int(kind.status))
        if known is None:
            media = {problems.CONTENT_TYPE: {"schema": _PROBLEM}}
            told[int(kind.status)] = {"description": line, "content": media}
        else:
            known["description"] += f" {line}"
    return told


def _problem_schema(kinds: Sequence[Kind]) -> Node:
    return {
        "title": "Problem",
        "description": "What went wrong: RFC 9457. Some kinds have further members.",
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string", "enum": [kind.type for kind in kinds]},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "What is right here, and the way out."},
            "errors": {
                "type": "array",
                "items": {"$ref": f"#/components/schemas/{ErrorAnswer.__name__}"},
            },
        },
    }
