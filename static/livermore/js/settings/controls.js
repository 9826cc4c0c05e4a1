// What a control says and shows, by its kind. The same rules as `settings_app/forms/kinds.py`.

import { $$ } from "../dom.js";

const parts = (text) =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean);

// What is no number stays the text that was typed, for the server to refuse.
function number(text) {
  const value = text.trim() === "" ? NaN : Number(text);
  return Number.isFinite(value) ? value : text;
}

const boxes = (control) => $$("input", control);

/** The value of a control; undefined where nothing is set. `before` keeps its order. */
export function read(control, before) {
  const { kind } = control.dataset;
  if (kind === "switch") return control.checked;
  if (kind === "choices") {
    const chosen = boxes(control).filter((box) => box.checked).map((box) => box.value);
    const kept = Array.isArray(before) ? before.filter((one) => chosen.includes(one)) : [];
    return [...kept, ...chosen.filter((one) => !kept.includes(one))];
  }
  if (control.value.trim() === "" && "mayBeEmpty" in control.dataset) return undefined;
  if (kind === "number") return number(control.value);
  if (kind === "list") return parts(control.value);
  if (kind === "numbers") return parts(control.value).map(number);
  return control.value;
}

const written = (value) => {
  if (value === undefined || value === null) return "";
  if (Array.isArray(value)) return value.map(written).join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
};

/** Show a value; nothing is touched that shows it already. */
export function write(control, value) {
  const { kind } = control.dataset;
  if (kind === "switch") setChecked(control, value === true);
  else if (kind === "choices") {
    for (const box of boxes(control)) setChecked(box, Array.isArray(value) && value.includes(box.value));
  } else {
    const text = written(value);
    if (control.tagName === "SELECT") offer(control, text);
    if (control.value !== text) control.value = text;
  }
}

function setChecked(box, isChecked) {
  if (box.checked !== isChecked) box.checked = isChecked;
}

/** A value that is no choice is shown all the same: it is what the document says. */
function offer(select, text) {
  if (text === "" || [...select.options].some((option) => option.value === text)) return;
  select.append(new Option(text, text));
}
