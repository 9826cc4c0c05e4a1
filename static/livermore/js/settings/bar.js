// The save bar, and the counts in the list of sections: what is changed, what is wrong, what happens.

import { notDone } from "../api.js";
import { $, $$, setAttribute, setText, el } from "../dom.js";
import { moment, plural, took } from "../format.js";
import { known } from "../runtime.js";
import { toast } from "../toast.js";
import { askChanges, askDiscard, askOnTop, momentsOf } from "./dialogs.js";
import { onTop } from "./document.js";
import { save as put, stored } from "./saving.js";
import { counted } from "./titles.js";

const bar = $("#st-bar");
const message = $("#st-message");
const saveButton = $("#st-save");
const discardButton = $("#st-discard");

export function bindBar(store, drafts, { many }) {
  let trouble = null; // why nothing can be checked
  let checking = null;
  let isSaving = false;

  const problems = () => (store.syntax ? 1 : store.errors.filter(({ isPast }) => !isPast).length);
  const review = () => (store.checked === store.document && store.review) || store.changes();

  function draw() {
    const isDirty = store.isDirty();
    const wrong = problems();
    bar.dataset.state = wrong ? "bad" : isDirty ? "dirty" : "clean";
    saveButton.disabled = isSaving || wrong > 0 || !isDirty;
    discardButton.disabled = isSaving || !isDirty;
    drawSections();
    if (wrong) tell(plural(wrong, "problem"), ` to fix before saving · ${plural(store.changes().length, "change")}`);
    else if (trouble) tell("Not checked", ` · ${trouble}`);
    else if (isDirty) {
      const changes = review();
      const isOld = store.newest > store.revision && !isSaving;
      const others = isOld ? ` · revision ${store.newest} was saved meanwhile` : "";
      tell(plural(changes.length, "change"), ` · ${counted(momentsOf(changes))}${others}`);
    } else tell("", `All changes saved · revision ${store.revision}`);
  }

  function tell(first, rest) {
    if (message.textContent === first + rest) return;
    message.replaceChildren(el("b", {}, first), rest);
  }

  async function save() {
    if (isSaving || !store.isDirty() || store.syntax) return;
    await checking.now(); // also of what others have saved
    if (problems()) {
      $("#st-problems button")?.focus();
      return;
    }
    const isStale = store.review === null && !trouble;
    const notes = [
      isStale && "Others have saved meanwhile; what they changed elsewhere stays.",
      known.status?.state === "paused" && "The runtime is paused: what it watches changes when it resumes.",
    ];
    if (!(await askChanges(review(), notes.filter(Boolean).join(" ")))) return;
    await carryOut();
  }

  async function carryOut() {
    const { document, revision } = store;
    isSaving = true;
    saveButton.setAttribute("aria-busy", "true");
    draw();
    const outcome = await put(document, revision);
    isSaving = false;
    saveButton.removeAttribute("aria-busy");
    if (outcome.refused) await refused(outcome.refused);
    else done(outcome, document);
    draw();
  }

  function done({ saved, applied, ms }, sent) {
    drafts.forget();
    const typedMeanwhile = onTop(saved.settings, sent, store.document);
    store.rebase({ settings: saved.settings, revision: saved.revision, document: typedMeanwhile }, "saved");
    showRevision(saved.revision, applied?.changes ? "applied" : "recorded, not yet applied");
    announce(saved, applied, took(ms));
  }

  async function refused(answer) {
    const { body, errors, message: text } = answer;
    if (body?.type?.endsWith("stale-revision")) {
      if (await askOnTop(body)) await putOnTop();
      return;
    }
    if (errors.length) store.judged(store.document, { errors, review: null });
    toast(notDone(answer, "Not saved"), text, { glyph: "faulted", stays: true });
  }

  /** What was typed, on what is stored now. */
  async function putOnTop() {
    const now = await stored();
    if (!now) {
      toast("The newer settings cannot be read", "Try again in a moment.", { glyph: "faulted", stays: true });
      return;
    }
    const document = onTop(now.settings, store.base, store.document);
    store.rebase({ ...now, document }, "others");
    showRevision(now.revision, "");
    toast(`On top of revision ${now.revision}`, "Review and save when you are ready.", { glyph: "recorded" });
  }

  async function discard() {
    if (!store.isDirty() || isSaving) return;
    const count = store.changes().length;
    if (count > many && !(await askDiscard(count))) return;
    const kept = store.document;
    drafts.forget();
    store.change(store.base, "discard");
    toast("Changes discarded", "", { act: "Undo", onAct: () => store.change(kept, "undo") });
  }

  store.on("change", draw);
  store.on("verdict", draw);
  store.on("newest", draw);
  saveButton.addEventListener("click", save);
  discardButton.addEventListener("click", discard);
  return {
    save,
    discard,
    putOnTop,
    isSaving: () => isSaving,
    showTrouble(text) {
      trouble = text;
      draw();
    },
    start(with_) {
      checking = with_;
      draw();
    },
  };
}

export function showRevision(revision, applied) {
  setText($("#st-revision [data-slot=revision]"), revision);
  setText($("#st-revision [data-slot=saved]"), moment(Date.now()));
  if (applied) setText($("#st-revision [data-slot=applied]"), applied);
}

function announce(saved, applied, ms) {
  const name = `Revision ${saved.revision}`;
  const rebased = saved.rebasedFrom ? ` · on top of what others saved since revision ${saved.rebasedFrom}` : "";
  if (!saved.changes.length) toast("Nothing was different", `${name} stays.`);
  else if (!applied) {
    toast(`${name}: recorded, not yet applied`, `The runtime will do it as soon as it is back.${rebased}`, {
      glyph: "recorded",
      stays: true,
    });
  } else if (applied.failed) toast(`${name} is saved, not applied`, applied.failed, { glyph: "faulted", stays: true });
  else {
    const changes = applied.changes.length ? applied.changes.map((one) => one.applied) : momentsOf(saved.changes);
    toast(`${name} applied`, `${inWords(changes)} · ${ms}${rebased}`);
  }
}

const inWords = (moments) =>
  counted(moments).replaceAll(" · ", ", ").replace("on resume", "waiting for resume");

/** How much is changed and wrong in each section, beside its name. */
function drawSections() {
  for (const link of $$(".st-nav a")) {
    const section = document.getElementById(`s-${link.dataset.section}`);
    const wrong = $$("[data-bad]", section).length;
    const changed = $$("[data-dirty]", section).length;
    setAttribute(link, "data-bad", wrong > 0 && "");
    setText($("i", link), wrong ? `✕ ${wrong}` : changed ? `● ${changed}` : "");
  }
}
