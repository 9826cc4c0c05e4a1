// What people call a place, and when a change there applies: as the form says it.

import { $, $$ } from "../dom.js";
import { isWithin, keysOf } from "./document.js";

const titleIn = (node) => $(".st-title", node)?.textContent ?? "";

const field = (path) =>
  $$("[data-field]").find(({ dataset }) => isWithin(path, dataset.field));

export function titleOf(path) {
  const node = field(path);
  if (node) {
    const group = node.closest("[data-group]");
    return group ? `${titleIn(group)}: ${titleIn(node)}` : titleIn(node);
  }
  const group = $$("[data-group]").find(({ dataset }) => dataset.group === path);
  if (group) return titleIn(group);
  return rowTitle(path) ?? (keysOf(path).at(-1) ?? "The document").replaceAll("_", " ");
}

function rowTitle(path) {
  const table = $$("[data-table]").find(({ dataset }) => isWithin(path, dataset.table));
  if (!table) return null;
  const name = $("ol", table).getAttribute("aria-label");
  const [number, ...rest] = keysOf(path.slice(table.dataset.table.length));
  if (number === undefined) return name;
  const key = rest.length ? `/${rest.join("/")}` : "";
  const cell = $$(".st-cell", $("template", table).content).find(
    ({ dataset }) => key && isWithin(key, dataset.cell),
  );
  return `${name} row ${Number(number) + 1}${cell ? `: ${titleIn(cell)}` : ""}`;
}

/** The word for when a change takes effect. */
export function appliesAt(path) {
  const node = field(path);
  const around = node ?? $$("[data-table], [data-group]").find(({ dataset }) =>
    isWithin(path, dataset.table ?? dataset.group),
  );
  return node?.dataset.applies || around?.closest("[data-section]").dataset.applies || "at once";
}

const ORDER = ["at once", "on resume", "at next refresh", "at next start", "recorded only"];

/** "4 at once · 1 on resume" */
export const counted = (moments) =>
  ORDER.filter((when) => moments.includes(when))
    .map((when) => `${moments.filter((one) => one === when).length} ${when}`)
    .join(" · ");
