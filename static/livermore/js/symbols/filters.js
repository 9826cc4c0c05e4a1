// Which rows are shown, in which order, and how many are how.

import { $, $$, el, setAttribute, setHidden, setText } from "../dom.js";
import { plural } from "../format.js";
import { key } from "../keys.js";
import { liquidity } from "./row.js";
import { listed, rows, sortBy, whenChanged } from "./table.js";
import { lookOf } from "./words.js";

const filter = $("#sy-filter");
const status = $("#sy-status");
const category = $("#sy-category");

const VALUES = {
  symbol: ({ report }) => report.symbol,
  price: ({ figure }) => figure?.price ?? -Infinity,
  change: ({ figure }) => figure?.change24h ?? -Infinity,
  volume: ({ figure }) => figure?.quoteVolume24h ?? -Infinity,
  liquidity,
  status: ({ report }) => lookOf(report.state)[2],
};
const TEXTS = new Set(["symbol", "status"]);

function fits({ report }) {
  if (!isFiltered()) return true;
  const { symbol, exchange, categories, state } = report;
  const words = filter.value.trim().toLowerCase().split(/\s+/);
  const text = [symbol, exchange, ...categories].join(" ").toLowerCase();
  return (
    words.every((word) => text.includes(word)) &&
    (!status.value || state === status.value) &&
    (!category.value || categories.includes(category.value))
  );
}

export const isFiltered = () => Boolean(filter.value.trim() || status.value || category.value);

function apply() {
  let shown = 0;
  const all = rows();
  for (const one of all) {
    const hidden = !fits(one);
    setHidden(one.row, hidden);
    shown += hidden ? 0 : 1;
  }
  $("#sy-none").hidden = shown > 0 || all.length === 0;
  count(shown);
  document.dispatchEvent(new CustomEvent("sy-filtered"));
}

function count(shown) {
  const list = listed();
  const counts = new Map();
  for (const { report } of list) counts.set(report.state, (counts.get(report.state) ?? 0) + 1);
  const parts = [...counts].map(([state, number]) => `${number} ${lookOf(state)[2]}`);
  const head = isFiltered() ? `${shown} of ${plural(list.length, "symbol")}` : plural(list.length, "symbol");
  setText($("#sy-count"), [head, ...parts].join(" · "));
}

/** The categories that there are, without taking away the one that is chosen. */
function offerCategories() {
  const all = [...new Set(listed().flatMap(({ report }) => report.categories))].sort();
  const offered = [...category.options].slice(1).map(({ value }) => value);
  if (offered.join("\n") === all.join("\n")) return;
  const chosen = category.value;
  const wanted = chosen && !all.includes(chosen) ? [...all, chosen] : all;
  category.replaceChildren(
    category.options[0],
    ...wanted.map((value) => el("option", { value }, value)),
  );
  category.value = chosen;
  $("#sy-known-tags").replaceChildren(...all.map((value) => el("option", { value })));
}

/** Text from a to z first, figures from the largest; the third time it is the list's own order. */
function sort(head) {
  const { sort: name } = head.dataset;
  const isText = TEXTS.has(name);
  const [first, second] = isText ? ["ascending", "descending"] : ["descending", "ascending"];
  const now = head.getAttribute("aria-sort");
  const next = now === first ? second : now === second ? null : first;
  for (const other of $$("th[data-sort]")) setAttribute(other, "aria-sort", other === head ? next : null);
  const sign = next === "ascending" ? 1 : -1;
  const value = VALUES[name];
  const compare = (one, other) =>
    sign * (isText ? value(one).localeCompare(value(other)) : value(one) - value(other) || 0);
  sortBy(next && compare);
  document.dispatchEvent(new CustomEvent("sy-sorted"));
}

export function listen() {
  for (const field of [filter, status, category]) field.addEventListener("input", apply);
  filter.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !filter.value) return;
    event.preventDefault();
    filter.value = "";
    apply();
  });
  $("#sy-unfilter").addEventListener("click", () => {
    filter.value = status.value = category.value = "";
    apply();
    filter.focus();
  });
  for (const head of $$("th[data-sort]")) {
    const button = el("button", { type: "button", class: "sy-sort" }, ...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(head));
  }
  key("/", "Filter symbols", () => filter.focus());
  whenChanged(() => {
    $("#sy-filters").hidden = $("#sy-figures").hidden = rows().length === 0;
    offerCategories();
    apply();
  });
}
