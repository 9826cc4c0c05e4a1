// What happened beside this page: a draft that was left behind, and settings that others have saved.

import { $, clone, el, fill, setText } from "../dom.js";
import { moment, plural } from "../format.js";
import { on } from "../live.js";
import { known } from "../runtime.js";
import { toast } from "../toast.js";
import { showRevision } from "./bar.js";
import { changes, onTop } from "./document.js";
import { stored } from "./saving.js";

const box = $("#st-notices");

function notice(title, text, look, acts) {
  const node = fill(clone("st-notice"), { title, text });
  node.dataset.k = look;
  acts.forEach(([words, act], at) => {
    const button = el("button", { type: "button", class: `lv-btn lv-sm${at ? "" : " lv-primary"}` }, words);
    button.addEventListener("click", () => {
      node.remove();
      act();
    });
    $(".st-acts", node).append(button);
  });
  box.append(node);
  return node;
}

export function offerDraft(store, drafts) {
  const draft = drafts.offered();
  if (!draft) return;
  const count = changes(draft.base, draft.document).length;
  const older = draft.revision === store.revision ? "" : `; revision ${store.revision} is newer, and they go on top of it`;
  notice(
    `You have an unsaved draft of ${moment(draft.at)}`,
    `${plural(count, "change")} to revision ${draft.revision}, kept in this browser${older}.`,
    "info",
    [
      ["Continue with it", () => store.change(onTop(store.base, draft.base, draft.document), "draft")],
      ["Throw it away", drafts.forget],
    ],
  );
}

/** Another page, tab or program saved: unchanged, this page shows it; else it says so. */
export function followOthers(store, bar) {
  let shown = null;
  let isAsking = false;

  async function look() {
    const { newest } = store;
    if (isAsking || bar.isSaving() || newest <= store.revision) return;
    if (shown?.revision === newest && shown.node.isConnected) return;
    if (store.isDirty()) {
      shown?.node.remove();
      const text = "What you have changed is kept. What others changed elsewhere stays when you save.";
      const acts = [["Put my changes on top", bar.putOnTop]];
      shown = { revision: newest, node: notice(`Revision ${newest} was saved meanwhile`, text, "warn", acts) };
      return;
    }
    isAsking = true;
    const now = await stored();
    isAsking = false;
    if (!now || store.isDirty() || bar.isSaving() || now.revision <= store.revision) return;
    store.rebase({ ...now, document: now.settings }, "others");
    showRevision(now.revision, "recorded, not yet applied");
    showApplied();
    toast(`Revision ${now.revision}`, "Saved elsewhere; this page shows it now.", { glyph: "recorded" });
  }

  /** A save that waited for its runtime is applied as soon as that says so. */
  function showApplied() {
    const applied = known.status?.settingsRevision ?? 0;
    if (applied >= store.revision) setText($("#st-revision [data-slot=applied]"), "applied");
  }

  on("status", () => {
    store.heardOf(known.status?.settingsRevision ?? 0);
    if (!bar.isSaving()) showApplied();
    look();
  });
  store.on("newest", look);
  // Without a runtime nobody tells: whoever comes back to the page asks.
  addEventListener("visibilitychange", async () => {
    if (document.visibilityState !== "visible") return;
    const now = await stored();
    if (now) store.heardOf(now.revision);
  });
  store.on("change", () => {
    if (shown && store.revision >= shown.revision) shown.node.remove();
  });
}
