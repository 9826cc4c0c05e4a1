// The scanner: having a scan made, choosing of what it proposes, and applying that.
// The server writes this part of the page. After each act it is asked for anew and takes the place
// of the old one: words, figures and what can be chosen have one origin.

import { ask, notDone } from "../api.js";
import { $, $$, fill, setAttribute, setIcon, setText } from "../dom.js";
import { plural, took } from "../format.js";
import { key } from "../keys.js";
import { emit } from "../live.js";
import { toast } from "../toast.js";

const PREVIEW = "/api/scanner/preview";
const APPLY = "/api/scanner/apply";
const STATE = "/api/scanner";
const AFTER_DUE_MS = 15_000; // the worker looks every few seconds what is due
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const TICK_MS = 250;

const root = $("#scan");
const said = $("[data-said]", root);

let isBusy = false;
let isLooking = false;
let isTouched = false; // somebody has chosen: nothing is taken from under the hand
let waiting = null; // for the next daily scan

const proposal = () => $("form[data-act=apply]", root);
const boxes = (side) => $$(`input[name=${side}]`, root);
const chosen = (side) =>
  boxes(side)
    .filter((box) => box.checked)
    .map((box) => box.value);

// ------------------------------------------------------------------ what is shown
/** Put the server's newest word in the place of what stands here. */
async function renew(run = "") {
  const answer = await ask("GET", root.dataset.address, {
    query: { scan: run },
    headers: { Accept: "text/html" },
  });
  const fresh = answer.ok && pageOf(answer.body).getElementById("scan");
  if (!fresh) return false;
  for (const part of ["summary", "body"]) {
    const old = $(`[data-part=${part}]`, root);
    old.replaceChildren(...$(`[data-part=${part}]`, fresh).childNodes);
  }
  for (const name of ["data-next", "data-last"]) {
    setAttribute(root, name, fresh.getAttribute(name));
  }
  $("[data-newer]", root).hidden = true;
  isTouched = false;
  prepare();
  return true;
}

/** A page of ours as a document: nothing in it runs. */
const pageOf = (text) => new DOMParser().parseFromString(text, "text/html");

/** What a page without a module has no use for. */
function prepare() {
  for (const all of $$("[data-all]", root)) {
    all.hidden = boxes(all.dataset.all).length === 0;
  }
  count();
  awaitNext();
}

/** How much is chosen: on the button that does it, and on the boxes that choose all. */
function count() {
  for (const all of $$("[data-all]", root)) {
    const side = boxes(all.dataset.all);
    const on = side.filter((box) => box.checked).length;
    all.checked = on > 0 && on === side.length;
    all.indeterminate = on > 0 && on < side.length;
  }
  const button = $("form[data-act=apply] button[type=submit]", root);
  if (!button || isBusy) return;
  const [add, remove] = [chosen("add").length, chosen("remove").length];
  const words = [add && `Add ${add}`, remove && `${add ? "remove" : "Remove"} ${remove}`];
  const isFollowed = button.dataset.followed !== "0";
  const none = isFollowed ? "Approve without changes" : "Nothing selected";
  setText($("span", button), words.filter(Boolean).join(", ") || none);
  button.disabled = !add && !remove && !isFollowed;
}

function choose(event) {
  const { all } = event.target.dataset;
  if (all) for (const box of boxes(all)) box.checked = event.target.checked;
  isTouched = true;
  count();
}

// ------------------------------------------------------------------ acts
/** Do something that takes its time: the button is pending, and the seconds are told. */
async function carryOut(button, doing, act) {
  if (isBusy) return;
  isBusy = true;
  button.setAttribute("aria-busy", "true");
  refuse(null);
  const began = performance.now();
  setText(said, doing);
  const counting = setInterval(() => {
    setText($("[data-elapsed]", root), took(performance.now() - began));
  }, TICK_MS);
  try {
    await act(() => performance.now() - began);
  } finally {
    clearInterval(counting);
    isBusy = false;
    button.removeAttribute("aria-busy");
    setText(said, "");
    setText($("[data-elapsed]", root), "");
    count();
  }
}

async function run(button) {
  await carryOut(button, "Asking the exchange for everything it lists…", async (elapsed) => {
    const answer = await ask("POST", PREVIEW);
    if (!answer.ok) {
      refuse(notDone(answer, "No scan was made"), answer);
      return;
    }
    const { id, rows } = answer.body;
    const ms = elapsed();
    await shown(id);
    const counted = (verdict) => rows.filter((row) => row.verdict === verdict).length;
    toast("Scan made", `${counted("add")} to add, ${counted("remove")} to remove · ${took(ms)}`);
  });
}

async function apply(button) {
  const body = {
    run: Number(proposal().dataset.run),
    add: chosen("add"),
    remove: chosen("remove"),
  };
  await carryOut(button, "Waiting for the runtime's answer…", async (elapsed) => {
    const answer = await ask("POST", APPLY, { body });
    const ms = elapsed();
    if (!answer.ok) {
      if (answer.status === 409) await renew(body.run); // what it says has moved
      refuse(notDone(answer, "Nothing was applied"), answer);
      return;
    }
    const { applied, message } = answer.body;
    await shown(body.run);
    tellFates(answer.body);
    emit("watchlist", answer.body);
    if (applied) toast("Scan applied", `${message} · ${took(ms)}`);
    else toast("Saved, not yet in effect", message, { glyph: "recorded", stays: true });
  });
}

/** Show a run, and put the reader before it. */
async function shown(run) {
  if (!(await renew(run))) {
    toast("This page could not be brought up to date", "Reload it.", {
      glyph: "stale",
      stays: true,
    });
    return;
  }
  $(".sc-made", root)?.focus({ preventScroll: true });
}

/** By each market that was chosen, what became of it. */
function tellFates({ added, removed, already }) {
  const told = [
    [added, "added"],
    [removed, "removed"],
    [already, "as wanted already"],
  ];
  for (const [symbols, word] of told) {
    for (const symbol of symbols) {
      const fate = $(`tr[data-symbol="${CSS.escape(symbol)}"] [data-slot=fate]`, root);
      if (!fate) continue;
      fate.hidden = false;
      setAttribute(fate, "data-s", "ok");
      setIcon(fate, "ok");
      setText($("span", fate), word);
    }
  }
}

/** Say why something was not done, in the place where it was asked for; null: say nothing. */
function refuse(title, answer = null) {
  const box = $("[data-refusal]", root);
  box.hidden = title === null;
  if (title === null) return;
  const details = answer.errors.map((error) => error.detail).filter(Boolean);
  fill(box, { title, text: [...details, answer.message].join(" ") });
}

// ------------------------------------------------------------------ what happens meanwhile
/** Whether a scan was made elsewhere: by the clock of the daily one, or in another tab. */
async function look() {
  if (isBusy || isLooking) return;
  isLooking = true; // a tab that comes to the front says so twice
  const answer = await ask("GET", STATE);
  isLooking = false;
  if (!answer.ok || isBusy) return;
  const { last } = answer.body;
  if (!last || root.dataset.last === `${last.id} ${last.state}`) {
    awaitNext();
    return;
  }
  if (isTouched) {
    $("[data-newer]", root).hidden = false;
    return;
  }
  await renew();
}

function awaitNext() {
  clearTimeout(waiting);
  const next = Date.parse(root.dataset.next ?? "");
  if (Number.isNaN(next)) return;
  const delay = Math.max(AFTER_DUE_MS, next - Date.now() + AFTER_DUE_MS);
  waiting = setTimeout(look, Math.min(delay, LONGEST_TIMER_MS));
}

// ------------------------------------------------------------------ hands
function open() {
  root.open = true;
  $("summary", root).focus();
}

function openIfAsked() {
  if (location.hash === "#scan") root.open = true;
}

root.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = $("button[type=submit]", event.target);
  if (event.target.dataset.act === "run") run(button);
  else apply(button);
});
root.addEventListener("change", choose);
$("[data-newer] button", root).addEventListener("click", () => renew());
addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());
addEventListener("focus", look);
addEventListener("hashchange", openIfAsked);
key("s", "Open the scanner", open);

openIfAsked();
prepare();
