// What is asked before something happens: the changes before a save, and what a stale save met.

import { $, clone, el, fill, setText } from "../dom.js";
import { plural, moment } from "../format.js";
import { shown } from "./document.js";
import { appliesAt, counted, titleOf } from "./titles.js";

/** Show a dialog; true when its act was chosen. */
export function opened(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "go"), { once: true });
  });
}

/** When each change applies; of what nothing acts on, that. */
export const momentsOf = (changes) =>
  changes.map(({ path, applies, effect }) => effect ?? applies ?? appliesAt(path));

const lookOf = (when) => (when === "at once" ? "now" : "resume");

export function askChanges(changes, note) {
  const moments = momentsOf(changes);
  const rows = changes.map(({ path, old, new: now }, at) => {
    const row = fill(clone("st-change"), {
      title: titleOf(path),
      path,
      old: shown(old),
      new: now === undefined ? "removed" : shown(now),
      applies: moments[at],
    });
    $(".lv-chip", row).dataset.k = lookOf(moments[at]);
    return row;
  });
  $("#st-diff-rows").replaceChildren(...rows);
  setText($("#st-diff-text"), `${counted(moments)}.${note ? ` ${note}` : ""}`);
  setText($("#st-diff-go"), `Save ${plural(changes.length, "change")}`);
  return opened($("#st-diff"));
}

/** Who saved what meanwhile, by a refusal (`stale-revision` of docs/api.md). */
export function askOnTop({ changes = [], conflicts = [], revision, detail }) {
  const lines = changes.map(({ revision: number, paths, by, at }) =>
    el("li", {}, `Revision ${number} by ${by}, ${moment(Date.parse(at))}: ${paths.map(titleOf).join(", ")}`),
  );
  $("#st-stale-changes").replaceChildren(...lines);
  const both = conflicts.map(titleOf).join(", ");
  setText($("#st-stale-both"), both ? `You both changed ${both}.` : detail);
  setText($("#st-stale-go"), `Put my changes on top of revision ${revision}`);
  return opened($("#st-stale"));
}

export function askDiscard(count) {
  setText($("#st-discard-title"), `Discard ${plural(count, "change")}?`);
  setText($("#st-discard-go"), `Discard ${plural(count, "change")}`);
  return opened($("#st-discard-dialog"));
}
