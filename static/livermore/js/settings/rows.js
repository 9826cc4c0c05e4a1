// Lists of rows: add, remove, reorder. A row is addressed by its number in the document, and drawn
// in place: only what has changed is touched.

import { $, $$, setAttribute, setText } from "../dom.js";
import { below, get, isWithin, put, same } from "./document.js";
import { read, write } from "./controls.js";

export function bindRows(form, store, blanks) {
  for (const table of $$("[data-table]", form)) bindTable(table, store, blanks);
}

function bindTable(table, store, blanks) {
  const path = table.dataset.table;
  const list = $("ol", table);
  const model = $("template[data-model]", table);
  for (const row of $$(".st-plain", list)) row.remove(); // they are for who cannot add any
  const listed = () => {
    const rows = get(store.document, path);
    return Array.isArray(rows) ? rows : [];
  };
  const edit = (rows, by = "rows") => store.change(put(store.document, path, rows), by);

  let drawn = null; // the rows as they are shown: a list that did not change is the same object

  function draw() {
    const rows = listed();
    if (rows === drawn) return;
    drawn = rows;
    while (list.children.length > rows.length) list.lastElementChild.remove();
    while (list.children.length < rows.length) {
      list.append(model.content.firstElementChild.cloneNode(true));
    }
    [...list.children].forEach((node, number) => drawRow(node, number, rows[number]));
    $(".st-none", table).hidden = rows.length > 0;
  }

  function drawRow(node, number, row) {
    node.dataset.row = number;
    for (const control of $$("[data-key]", node)) {
      const { key } = control.dataset;
      write(control, get(row, key) ?? get(blanks[path], key));
    }
  }

  function marks() {
    const before = get(store.base, path) ?? [];
    const errors = store.errors.filter(({ pointer }) => isWithin(pointer, path));
    listed().forEach((row, number) => {
      const node = list.children[number];
      const here = below(path, number);
      const own = errors.filter(({ pointer }) => isWithin(pointer, here));
      setAttribute(node, "data-dirty", !same(row, before[number]) && "");
      if (own.length || "bad" in node.dataset) markRow(node, here, own);
    });
    say($(":scope > .st-err", table), errors.filter(({ pointer }) => pointer === path));
  }

  list.addEventListener("input", (event) => {
    const control = event.target.closest("[data-key]");
    const place = below(path, control.closest("[data-row]").dataset.row) + control.dataset.key;
    const value = read(control, get(store.document, place));
    store.change(put(store.document, place, value), path);
  });
  table.addEventListener("click", (event) => {
    const act = event.target.closest("[data-act]")?.dataset.act;
    const number = Number(event.target.closest("[data-row]")?.dataset.row);
    if (act === "row") add();
    if (act === "remove") remove(number);
    if (act === "up") move(number, number - 1);
    if (act === "down") move(number, number + 1);
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!event.altKey || !step) return;
    event.preventDefault();
    const row = event.target.closest("[data-row]");
    const key = event.target.closest("[data-key]")?.dataset.key;
    const to = move(Number(row.dataset.row), Number(row.dataset.row) + step);
    if (key !== undefined && to >= 0) $(`[data-key="${key}"]`, list.children[to]).focus();
  });

  function add() {
    edit([...listed(), blanks[path]]);
    $("input, select", list.lastElementChild).focus();
  }

  function remove(number) {
    edit(listed().toSpliced(number, 1));
    const next = list.children[Math.min(number, list.children.length - 1)];
    (next ? $("[data-act=remove]", next) : $("[data-act=row]", table)).focus();
  }

  /** Where the row is then; -1 where it cannot go there. */
  function move(from, to) {
    const rows = listed();
    if (to < 0 || to >= rows.length) return -1;
    edit(rows.toSpliced(from, 1).toSpliced(to, 0, rows[from]));
    $(`[data-act=${to < from ? "up" : "down"}]`, list.children[to]).focus();
    return to;
  }

  store.on("change", (by) => {
    if (by === path) drawn = listed();
    else draw();
    marks();
  });
  store.on("verdict", marks);
  draw();
  marks();
}

function markRow(node, here, errors) {
  setAttribute(node, "data-bad", errors.length > 0 && "");
  for (const cell of $$(".st-cell", node)) {
    const key = cell.dataset.cell;
    const isWrong = errors.some(({ pointer }) => isWithin(pointer, here + key));
    setAttribute($("[data-key]", cell), "aria-invalid", isWrong && "true");
  }
  say($(":scope > .st-err", node), errors);
}

function say(place, messages) {
  setText(place, messages.map(({ detail }) => detail).join("; "));
  place.hidden = !messages.length;
}
