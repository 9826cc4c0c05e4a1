// What can be done about an alert: sent again, seen, muted. Never shown before it is so.

import { ask, notDone } from "../api.js";
import { $, $$, clone, el, fill, setAttribute } from "../dom.js";
import { moment, plural, took } from "../format.js";
import { toast } from "../toast.js";
import { bringUp, settled } from "./arrivals.js";
import { bring, listed, namesOf, rowOf } from "./rows.js";

const PATIENCE_MS = 20_000; // what is not delivered by then goes on by itself
const HOUR_MS = 3_600_000;
const ENDINGS = {
  delivered: ["Delivered", "ok"],
  uncertain: ["Sent, and no answer came", "unknown"],
  failed: ["Failed again", "x"],
  quiet: ["Held back by quiet hours", "moon"],
  muted: ["Held back by a mute", "muted"],
};

/** Do something while its button is pending; what it was told, and how long that took. */
async function pending(button, act) {
  if (button.getAttribute("aria-busy") === "true") return;
  setAttribute(button, "aria-busy", "true");
  const began = performance.now();
  try {
    await act(() => took(performance.now() - began));
  } finally {
    setAttribute(button, "aria-busy", null);
  }
}

const refused = (title, answer) =>
  toast(notDone(answer, title), answer.message, { glyph: "x", stays: true });

// ── send again ─────────────────────────────────────────────────────────────

async function retry(row, button) {
  const id = Number(row.dataset.alert);
  await pending(button, async (duration) => {
    const ending = settled(id, PATIENCE_MS);
    const answer = await ask("POST", `/api/alerts/${id}/retry`);
    if (!answer.ok) return refused("Not sent again", answer);
    bringUp(id);
    if (answer.body.retried === 0) return toast("Nothing had failed", "It is not sent again.");
    const state = await ending;
    bringUp(id);
    const [title, glyph] = ENDINGS[state] ?? ["Waits to be sent", "starting"];
    const text = `${nameOf(row)} · ${duration()}`;
    toast(title, text, { glyph, stays: state === "failed" });
  });
}

const nameOf = (row) => row.querySelector("th").textContent.trim().replace(/\s+/g, " ");

async function retryAll(event) {
  event.preventDefault();
  await pending($("#sg-retry-all"), async (duration) => {
    const answer = await ask("POST", "/api/alerts/retry");
    if (!answer.ok) return refused("Not sent again", answer);
    const { retried } = answer.body;
    if (retried === 0) toast("Nothing had failed", duration());
    else toast(`${plural(retried, "delivery", "deliveries")} to be sent again`, duration());
    bringUp(...listed());
  });
}

// ── seen ───────────────────────────────────────────────────────────────────

async function acknowledge(row, button) {
  const id = Number(row.dataset.alert);
  await pending(button, async (duration) => {
    const answer = await ask("POST", `/api/alerts/${id}/acknowledge`);
    if (!answer.ok) return refused("Not marked as seen", answer);
    const hadFocus = document.activeElement === button;
    bring(row, answer.body);
    if (hadFocus) $("[data-act=mute]", row).focus(); // its button is gone
    toast("Marked as seen", `${nameOf(row)} · ${duration()}`);
  });
}

/** All that the page lists now: also what has come since the server wrote its form. */
function nameShown({ currentTarget: foot }) {
  for (const input of $$("[name=id]", foot)) input.remove();
  const unseen = $$("#sg-rows tr[data-seen=no]").map(({ dataset }) => dataset.alert);
  foot.append(...unseen.map((value) => el("input", { type: "hidden", name: "id", value })));
}

// ── mute ───────────────────────────────────────────────────────────────────

const dialog = $("#sg-mute");
const form = $("form", dialog);

function offerMute(row, link) {
  for (const [name, value] of Object.entries(namesOf(row))) form.elements[name].value = value;
  fill(dialog, { error: "" });
  dialog.returnFocus = link;
  dialog.showModal();
  form.elements.hours.focus();
}

async function mute(event) {
  event.preventDefault();
  const { symbol, kind, exchange, hours } = Object.fromEntries(new FormData(form));
  const until = new Date(Date.now() + Number(hours) * HOUR_MS).toISOString();
  await pending($("#sg-mute-go"), async (duration) => {
    const answer = await ask("POST", "/api/alerts/mutes", {
      body: { symbol, kind, exchange, until },
    });
    if (!answer.ok) {
      const reasons = answer.errors.map(({ pointer, detail }) => `${pointer.slice(1)} ${detail}`);
      fill(dialog, { error: reasons.join("; ") || answer.message });
      return;
    }
    dialog.close();
    toast("Muted", `${inWords(answer.body)} until ${moment(Date.parse(until))} · ${duration()}`);
    await showMutes();
  });
}

function inWords({ kind, symbol, exchange }) {
  const where = exchange ? ` on ${exchange}` : "";
  return `${kind?.replaceAll("-", " ") ?? "every signal"} of ${symbol ?? "every symbol"}${where}`;
}

async function showMutes() {
  const { ok, body } = await ask("GET", "/api/alerts/mutes");
  if (!ok) return;
  const lines = body.mutes.map((one) => {
    const line = clone("sg-mute-line");
    line.dataset.mute = one.id;
    return fill(line, { what: inWords(one), until: moment(Date.parse(one.until)) });
  });
  $("#sg-mutes ul").replaceChildren(...lines);
  $("#sg-mutes").hidden = lines.length === 0;
}

async function endMute(event) {
  const button = event.target.closest("button");
  if (!button) return;
  event.preventDefault();
  const line = button.closest("[data-mute]");
  await pending(button, async (duration) => {
    const answer = await ask("DELETE", `/api/alerts/mutes/${Number(line.dataset.mute)}`);
    if (!answer.ok) return refused("The mute goes on", answer);
    toast("The mute is over", `${$("[data-slot=what]", line).textContent} · ${duration()}`);
    await showMutes();
  });
}

// ── all of it ──────────────────────────────────────────────────────────────

const ACTS = { retry, seen: acknowledge, mute: offerMute };

function act(event) {
  const button = event.target.closest("[data-act]");
  if (!button || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const row = rowOf(button.closest("tr").dataset.alert);
  ACTS[button.dataset.act](row, button);
}

export function listen() {
  $("#sg-rows").addEventListener("click", act);
  $("#sg-failed").addEventListener("submit", retryAll);
  $("#sg-mutes").addEventListener("click", endMute);
  $("#sg-all-seen").addEventListener("submit", nameShown);
  form.addEventListener("submit", mute);
  $("#sg-mute-cancel").addEventListener("click", (event) => {
    event.preventDefault();
    dialog.close();
  });
  dialog.addEventListener("close", () => dialog.returnFocus?.focus());
}
