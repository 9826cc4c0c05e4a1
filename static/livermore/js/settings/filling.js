// What fills in the form from elsewhere: templates and files. Nothing here saves.

import { ask } from "../api.js";
import { $, $$, el, setText } from "../dom.js";
import { plural } from "../format.js";
import { changes, merged, shown } from "./document.js";
import { opened } from "./dialogs.js";
import { titleOf } from "./titles.js";

const PAUSE_MS = 300;

const line = ({ path, old, new: now }) =>
  el("li", {}, `${titleOf(path)}: ${shown(old)} → `, el("b", {}, shown(now)));

const wrong = ({ pointer, detail }) =>
  el("li", {}, `${titleOf(pointer)} ${detail} `, pointer && el("code", {}, pointer));

/** The document with a template on it, or null. */
export async function askTemplate(patches, document) {
  const dialog = $("#st-template");
  const chosen = () => merged(document, patches[$("[name=template]:checked", dialog).value]);
  const draw = () => {
    const found = changes(document, chosen());
    const lines = found.length ? found.map(line) : [el("li", {}, "You have these values already.")];
    $("#st-template-changes").replaceChildren(...lines);
    setText($("#st-template-go"), found.length ? `Fill in ${plural(found.length, "change")}` : "Fill in");
  };
  for (const choice of $$("[name=template]", dialog)) choice.onchange = draw;
  draw();
  return (await opened(dialog)) ? chosen() : null;
}

/** The document that a file holds, made current by the server; or null. */
export async function askImport(document) {
  const dialog = $("#st-import-dialog");
  const area = $("#st-import-text");
  const go = $("#st-import-go");
  let taken = null;
  let timer = null;
  let serial = 0;

  function tell(outcome, lines) {
    setText($("#st-import-outcome"), outcome);
    $("#st-import-list").replaceChildren(...lines);
    $("#st-import-list").hidden = !lines.length;
    go.disabled = !taken;
    setText(go, taken ? `Fill in ${plural(changes(document, taken).length, "change")}` : "Fill in");
  }

  async function preview() {
    taken = null;
    const mine = ++serial;
    if (!area.value.trim()) return tell("", []);
    try {
      JSON.parse(area.value);
    } catch {
      return tell("Not valid JSON.", []);
    }
    const query = {
      dryRun: true,
      adopt: $("#st-import-adopt").checked || null,
      ignoreUnknown: $("#st-import-ignore").checked || null,
    };
    // The text itself: of a key that stands twice, what the browser reads has only one.
    const answer = await ask("POST", "/api/settings/import", { body: area.value, query });
    if (mine !== serial) return null;
    const told = answer.body;
    const errors = answer.ok ? told.errors : answer.errors;
    if (errors.some(({ secret }) => secret)) area.value = "";
    if (!answer.ok || !told.valid) {
      const text = errors.length ? plural(errors.length, "problem") : answer.message;
      return tell(text, errors.map(wrong));
    }
    taken = told.settings;
    const found = changes(document, taken);
    const notes = told.notes.map(({ pointer, detail }) => el("li", {}, `${pointer || "The document"}: ${detail}`));
    return tell(`Valid. ${plural(found.length, "setting")} differ from yours.`, [...notes, ...found.map(line)]);
  }

  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(preview, PAUSE_MS);
  };
  area.oninput = later;
  for (const box of [$("#st-import-adopt"), $("#st-import-ignore")]) box.onchange = preview;
  $("#st-import-file").onchange = async ({ target }) => {
    area.value = (await target.files[0]?.text()) ?? "";
    await preview();
  };
  area.value = "";
  $("#st-import-file").value = "";
  await preview();
  const isWanted = await opened(dialog);
  area.value = ""; // a file may hold anything
  return isWanted ? taken : null;
}
