// The form: reads and writes the controls that the server has drawn; it holds no rule.

import { $, $$, setAttribute, setText } from "../dom.js";
import { get, isWithin, put, same, shown } from "./document.js";
import { read, write } from "./controls.js";

const defaultOf = (control) =>
  control.dataset.default === undefined ? undefined : JSON.parse(control.dataset.default);

const around = (path) => path.slice(0, path.lastIndexOf("/"));

export function bindForm(form, store) {
  const fields = $$("[data-field]", form).map((field) => ({
    node: field,
    path: field.dataset.field,
    control: $("[data-path]", field),
    error: $(".st-err", field),
    was: $(".st-was", field),
  }));

  function draw() {
    for (const { control, path } of fields) {
      write(control, get(store.document, path) ?? defaultOf(control));
    }
  }

  function mark({ node, path, control, error, was }) {
    const before = get(store.base, path);
    const now = get(store.document, path);
    const isNew = get(store.base, around(path)) === undefined; // of that, the group says it
    const isDirty = !isNew && !same(before, now);
    const messages = store.errors.filter(({ pointer }) => isWithin(pointer, path));
    setAttribute(node, "data-dirty", isDirty && "");
    setAttribute(node, "data-bad", messages.length > 0 && "");
    setAttribute(control, "aria-invalid", messages.length > 0 && "true");
    setText(error, messages.map(({ detail }) => detail).join("; "));
    error.hidden = !messages.length;
    was.hidden = !isDirty;
    if (isDirty) setText(was.firstElementChild, `was ${shown(before)}`);
  }

  const marks = () => fields.forEach(mark);

  form.addEventListener("input", (event) => {
    const control = event.target.closest("[data-path]");
    if (!control) return;
    const { path } = control.dataset;
    const before = get(store.document, path);
    store.change(put(store.document, path, read(control, before)), "form");
  });
  form.addEventListener("click", (event) => {
    if (!event.target.matches(".st-revert")) return;
    const { path, control } = fields.find(({ node }) => node.contains(event.target));
    store.change(put(store.document, path, get(store.base, path)), "revert");
    (control.matches("div") ? $("input", control) : control).focus();
  });
  store.on("change", (by) => {
    if (by !== "form") draw();
    marks();
  });
  store.on("verdict", marks);
  draw();
  marks();
}
