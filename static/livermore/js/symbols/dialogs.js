// The dialogs that ask before a change: what is removed, how rows are tagged, where one stands.

import { $, $$, el, fill, setText } from "../dom.js";
import { plural } from "../format.js";
import { alter, categorise, remove } from "./acts.js";
import { listed } from "./table.js";

const removing = $("#sy-remove");
const tagging = $("#sy-tags");
const field = $("#sy-tags-text");
const place = $("#sy-position");

/** Show a dialog; true once its act was chosen. */
export function asked(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "go"), { once: true });
  });
}

const STOPS = "Its market data ends, and no more alerts come of it.";
const STAYS = {
  position: "It stays watched: you hold it.",
  scanner: "It stays watched: the scanner's approved list has it.",
};

function consequence({ why, held }) {
  if (!why) return "It is not watched now.";
  if (why !== "watchlist") return STAYS[why] ?? "It stays watched.";
  return held ? `${STOPS} You hold it: its price is not followed any more.` : STOPS;
}

/** Ask whether rows are to go, saying of each what stops; then take them off. */
export async function askRemoval(entries) {
  const what = entries.length === 1 ? entries[0].report.symbol : plural(entries.length, "symbol");
  fill(removing, { title: `Remove ${what} from the watchlist?`, go: `Remove ${what}` });
  const effects = entries.flatMap(({ report }) => [
    el("dt", {}, report.symbol),
    el("dd", {}, consequence(report)),
  ]);
  $("#sy-effects").replaceChildren(...effects);
  if (!(await asked(removing))) return null;
  const { row } = entries[0];
  const beside = row.nextElementSibling ?? row.previousElementSibling;
  const answer = await remove(entries);
  if (document.activeElement === document.body) $("a", beside ?? document.body)?.focus();
  return answer;
}

const written = () => [
  ...new Set(
    field.value
      .split(",")
      .map((one) => one.trim().toLowerCase())
      .filter(Boolean),
  ),
];

/** Tag several rows. */
export async function askTags(entries) {
  fill(tagging, { title: `Tag ${plural(entries.length, "symbol")}`, go: "Tag" });
  $("#sy-tagging").hidden = false;
  $("#sy-placing").hidden = true;
  field.value = "";
  $$("[name=sy-how]", tagging)[0].checked = true;
  if (!(await asked(tagging))) return null;
  const how = $("[name=sy-how]:checked", tagging).value;
  return written().length || how === "set" ? categorise(entries, written(), how) : null;
}

/** Edit one row: its categories, and its place in the list. */
export async function askRow(one) {
  const { report } = one;
  fill(tagging, { title: `Edit ${report.symbol} of ${report.exchange}`, go: "Save" });
  $("#sy-tagging").hidden = true;
  $("#sy-placing").hidden = false;
  field.value = report.categories.join(", ");
  place.value = report.row + 1;
  place.max = listed().length;
  if (!(await asked(tagging))) return null;
  const wanted = {};
  if (written().join() !== report.categories.join()) wanted.categories = written();
  const position = Math.min(Math.max(1, Number(place.value) || 1), listed().length) - 1;
  if (position !== report.row) wanted.position = position;
  if (!Object.keys(wanted).length) return null;
  return alter(one, wanted, `${report.symbol} changed`);
}

export function listen() {
  for (const dialog of [removing, tagging]) {
    // Enter in a field is the act, not the first button, which cancels.
    dialog.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !event.target.matches("input:not([type=radio])")) return;
      event.preventDefault();
      dialog.close("go");
    });
  }
  setText($('[data-slot="go"]', tagging), "Save");
}
