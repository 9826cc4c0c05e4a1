"""What the settings page's templates cannot write by themselves.

Rule 1: an input is drawn by one piece of Python, not by nested templates: a watchlist of five
    hundred rows has two thousand of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from control.api.credentials import NamedAnswer, State
from settings_app.documents import ABSENT
from settings_app.forms import Control

register = template.Library()

# How each state of a credential looks, and is said.
LOOKS: Final = {
    State.SET: ("ok", "ok", "set where the runtime runs"),
    State.NOT_SET: ("warn", "stale", "not set where the runtime runs"),
    State.NOT_ALLOWED: ("bad", "x", "not a name that you may use"),
    State.LOOKS_SECRET: (
        "bad",
        "x",
        "looks like a secret: not stored. Enter the variable's name",
    ),
    State.UNKNOWN: ("off", "unknown", "no worker tells whether it is set"),
}


@register.simple_tag
def field_input(control: Control) -> SafeString:
    """The input of a control beside its label."""
    return _input(control, in_row=False)


@register.simple_tag
def cell_input(control: Control) -> SafeString:
    """The input of a control in a row: it is named by its title."""
    return _input(control, in_row=True)


def _input(control: Control, *, in_row: bool) -> SafeString:
    shared = _attributes(_shared(control, in_row=in_row))
    match control.kind:
        case "switch":
            return format_html(
                '<input class="lv-switch" type="checkbox" role="switch" value="on"{}{}>',
                shared,
                mark_safe(" checked") if control.value is True else "",
            )
        case "choice":
            return format_html(
                '<select class="lv-in"{}>{}{}</select>',
                shared,
                mark_safe('<option value="">–</option>') if control.is_optional else "",
                _options(control),
            )
        case "choices":
            return _boxes(control, in_row=in_row)
        case "lines":
            return format_html(
                '<textarea class="lv-in st-lines" rows="2"{}>\n{}</textarea>', shared, control.text
            )
    return format_html('<input class="lv-in"{}{}>', shared, _attributes(_of_text(control)))


def _shared(control: Control, *, in_row: bool) -> dict[str, Any]:
    attributes: dict[str, Any] = {"name": control.path, "data-kind": control.kind}
    if control.is_optional:
        attributes["data-may-be-empty"] = ""
    if in_row:
        attributes |= {"data-key": control.key, "aria-label": control.title}
    else:
        attributes |= {
            "id": control.id,
            "data-path": control.path,
            "aria-describedby": f"{control.id}-help {control.id}-error",
        }
        if control.default is not ABSENT:
            attributes["data-default"] = json.dumps(control.default)
    if control.errors:
        attributes["aria-invalid"] = "true"
    return attributes


def _of_text(control: Control) -> dict[str, Any]:
    attributes: dict[str, Any] = {"type": "text", "value": control.text, "spellcheck": "false"}
    if control.kind == "number":
        # A text that is no number was refused, and is to be seen again.
        is_number = not isinstance(control.value, str)
        attributes |= {"type": "number", "step": "any"} if is_number else {"inputmode": "decimal"}
        bounds = {"min": control.least, "max": control.most}
        attributes |= {key: value for key, value in bounds.items() if value is not None}
    if control.placeholder:
        attributes["placeholder"] = control.placeholder
    if control.path.endswith("/timezone"):
        attributes["list"] = "st-timezones"
    if control.is_name:
        attributes["data-name"] = ""
    return attributes


def _options(control: Control) -> SafeString:
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        (
            (one.value, mark_safe(" selected") if one.is_chosen else "", one.value)
            for one in control.options
        ),
    )


def _boxes(control: Control, *, in_row: bool) -> SafeString:
    around = {"role": "group", "data-kind": control.kind, "class": "st-boxes"}
    if in_row:
        around |= {"data-key": control.key, "aria-label": control.title}
    else:
        around |= {
            "id": control.id,
            "data-path": control.path,
            "data-default": json.dumps(control.default),
            "aria-labelledby": f"{control.id}-label",
            "aria-describedby": f"{control.id}-help {control.id}-error",
        }
    boxes = format_html_join(
        "",
        '<label><input type="checkbox" name="{}" value="{}"{}>{}</label>',
        (
            (
                control.path,
                one.value,
                mark_safe(" checked") if one.is_chosen else "",
                one.value,
            )
            for one in control.options
        ),
    )
    return format_html("<div{}>{}</div>", _attributes(around), boxes)


def _attributes(attributes: Mapping[str, Any]) -> SafeString:
    return format_html_join("", ' {}="{}"', _pairs(attributes))


def _pairs(attributes: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    return attributes.items()


@register.simple_tag
def chip(chips: Mapping[str, NamedAnswer], path: str) -> SafeString:
    """Whether the variable that a field names is set where the runtime runs."""
    known = chips.get(path)
    if known is None:
        text = (
            '<p class="lv-st st-chip" data-chip="{}" hidden><svg class="lv-i" aria-hidden="true">'
        )
        return format_html(text + '<use href="#i-unknown" /></svg><span></span></p>', path)
    look, icon, words = LOOKS[known.state]
    if known.did_you_mean:
        words = f"{words}; did you mean {' or '.join(known.did_you_mean)}?"
    return format_html(
        '<p class="lv-st st-chip" data-chip="{}" data-s="{}"><svg class="lv-i" aria-hidden="true">'
        '<use href="#i-{}" /></svg><span>{}</span></p>',
        path,
        look,
        icon,
        words,
    )
