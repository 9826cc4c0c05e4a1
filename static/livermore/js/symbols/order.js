// The order of the list: a row's handle moves it, by the arrow keys or by dragging.

import { $, setHidden } from "../dom.js";
import { move } from "./acts.js";
import { isFiltered } from "./filters.js";
import { entry, isInListOrder, listed, whenChanged } from "./table.js";

const body = $("#sy-rows");
let dragged = null;

const entryAt = (node) => entry(node?.closest?.("tr")?.dataset.key);
const canMove = () => isInListOrder() && !isFiltered();

function steer(event) {
  const one = event.target.closest("[data-grip]") && entryAt(event.target);
  if (!one || !canMove()) return;
  const end = listed().length - 1;
  const { row } = one.report;
  const to = { ArrowUp: row - 1, ArrowDown: row + 1, Home: 0, End: end }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  if (to >= 0 && to <= end && to !== row) move(one, to);
}

function grasp(event) {
  const row = event.target.closest("[data-grip]")?.closest("tr");
  if (row) row.draggable = canMove();
}

function start(event) {
  dragged = entryAt(event.target);
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.report.symbol);
}

function over(event) {
  const target = dragged && entryAt(event.target);
  if (!target) return;
  event.preventDefault();
  mark(target.row, isBelow(event, target.row) ? "after" : "before");
}

const isBelow = (event, row) => {
  const { top, height } = row.getBoundingClientRect();
  return event.clientY > top + height / 2;
};

function mark(row, side) {
  const old = $("[data-drop]", body);
  if (old && old !== row) delete old.dataset.drop;
  if (row) row.dataset.drop = side;
}

function drop(event) {
  const target = dragged && entryAt(event.target);
  if (!target || target === dragged) return;
  event.preventDefault();
  const from = dragged.report.row;
  const gap = target.report.row + (isBelow(event, target.row) ? 1 : 0);
  const to = gap > from ? gap - 1 : gap; // counted without the row that moves
  if (to !== from) move(dragged, to);
}

function end() {
  mark(null);
  if (dragged) dragged.row.draggable = false;
  dragged = null;
}

export function listen() {
  body.addEventListener("keydown", steer);
  body.addEventListener("pointerdown", grasp);
  body.addEventListener("dragstart", start);
  body.addEventListener("dragover", over);
  body.addEventListener("drop", drop);
  body.addEventListener("dragend", end);
  const showGrips = () => {
    const hidden = !canMove();
    for (const { grip } of listed()) setHidden(grip, hidden);
  };
  document.addEventListener("sy-filtered", showGrips);
  document.addEventListener("sy-sorted", showGrips);
  whenChanged(showGrips);
}
