// Rows that are chosen, and what is done with all of them.

import { $, setText } from "../dom.js";
import { backfill, disable, enable } from "./acts.js";
import { askRemoval, askRow, askTags } from "./dialogs.js";
import { listed, whenChanged } from "./table.js";

const bar = $("#sy-bulk");
const all = $("#sy-all");
const ACTS = {
  enable,
  disable,
  backfill,
  categorise: (entries) => (entries.length === 1 ? askRow(entries[0]) : askTags(entries)),
  remove: askRemoval,
};

let last = null; // the row that was ticked last: shift ticks from there

const chosen = () => listed().filter(({ pick }) => pick.checked);
const shown = () => listed().filter(({ row }) => !row.hidden);

function show() {
  const count = chosen().length;
  bar.hidden = count === 0;
  setText($("#sy-chosen"), `${count} chosen`);
  setText($('[value="categorise"]', bar), count === 1 ? "Edit…" : "Tag…");
  const offered = shown();
  const ticked = offered.filter(({ pick }) => pick.checked).length;
  all.checked = offered.length > 0 && ticked === offered.length;
  all.indeterminate = ticked > 0 && ticked < offered.length;
}

function tick(event) {
  if (event.target.name !== "market") return;
  const order = [...$("#sy-rows").rows].filter((row) => !row.hidden);
  const row = event.target.closest("tr");
  if (event.shiftKey && last && order.includes(last)) {
    const [from, to] = [order.indexOf(last), order.indexOf(row)].sort((one, other) => one - other);
    for (const between of order.slice(from, to + 1)) {
      $('[name="market"]', between).checked = event.target.checked;
    }
  }
  last = row;
  show();
}

function clear() {
  for (const { pick } of listed()) pick.checked = false;
  show();
}

/** Do what a button of the bar says with the chosen rows. */
export async function run(act) {
  const entries = chosen();
  if (!entries.length) return;
  const answer = await ACTS[act](entries);
  if (answer?.ok) clear();
}

export function listen() {
  all.hidden = false;
  $("#sy-rows").addEventListener("click", tick);
  all.addEventListener("change", () => {
    for (const { pick } of shown()) pick.checked = all.checked;
    show();
  });
  $("#sy-clear").addEventListener("click", clear);
  document.addEventListener("sy-filtered", show);
  whenChanged(show);
}
