// The settings page: puts the parts together.

import { $, $$, boot } from "../dom.js";
import { key } from "../keys.js";
import { bindBar } from "./bar.js";
import { checkAlways } from "./checking.js";
import { bindCredentials } from "./credentials.js";
import { text } from "./document.js";
import { createDrafts } from "./draft.js";
import { editInPlaceOf } from "./editor.js";
import { askImport, askTemplate } from "./filling.js";
import { bindForm } from "./form.js";
import { bindGroups } from "./groups.js";
import { bindJson } from "./json-pane.js";
import { followOthers, offerDraft } from "./notices.js";
import { followReading } from "./reading.js";
import { bindRows } from "./rows.js";
import { createStore } from "./store.js";
import { toast } from "../toast.js";

const MANY = 5; // changes that are not discarded unasked

function start(data, form) {
  const store = createStore(data);
  const drafts = createDrafts(data.sub, store);
  bindForm(form, store);
  bindRows(form, store, data.blanks);
  bindGroups(form, store, data.blanks);
  bindCredentials(form, store);
  const json = bindJson(store);
  const bar = bindBar(store, drafts, { many: MANY });
  const checking = checkAlways(store, bar.showTrouble);
  bar.start(checking);
  bindTools(data, store, json);
  bindKeys(bar);
  followOthers(store, bar);
  if (data.draft) store.change(data.draft, "posted");
  else offerDraft(store, drafts);
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("beforeunload", (event) => store.isDirty() && event.preventDefault());
  followReading();
  bindViews(form, editInPlaceOf($("#st-text"), json));
}

function bindTools({ templates }, store, json) {
  const fillIn = async (asking, by) => {
    const document = await asking;
    if (document) store.change(document, by);
  };
  $("#st-templates").addEventListener("click", () => fillIn(askTemplate(templates, store.document), "template"));
  $("#st-import").addEventListener("click", () => fillIn(askImport(store.document), "import"));
  $("#st-copy").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(store.syntax ? json.text() : text(store.document));
      toast("Copied");
    } catch {
      toast("Not copied", "The browser does not allow it.", { glyph: "faulted", stays: true });
    }
  });
}

/** Which view is shown where there is no room for both. */
function bindViews(form, onShown) {
  for (const choice of $$("[name=shown]")) {
    choice.addEventListener("change", () => {
      form.dataset.view = choice.value;
      onShown();
    });
  }
}

function bindKeys(bar) {
  key("Ctrl S", "Review and save", bar.save);
  key("Esc", "Discard what is not saved", bar.discard);
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
      event.preventDefault();
      if (!$("dialog[open]")) bar.save();
    }
    const isPlain = !event.defaultPrevented && !$("dialog[open]") && !event.target.closest?.("#st-editor");
    if (event.key === "Escape" && isPlain) {
      event.preventDefault(); // it would close the question at once
      bar.discard();
    }
  });
}

const form = $("#st-form");
if (form) start(boot(), form);
