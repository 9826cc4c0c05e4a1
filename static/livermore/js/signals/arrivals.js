// What comes while the page is open: new alerts on top, and what becomes of those that are listed.
// Rule 1: which alerts belong here is the server's to say: the page asks for its own selection anew.
// Rule 2: nothing jumps: where somebody reads further down, or has asked for something, new rows
//         wait behind a bar that counts them.

import { alertsDownTo, alertsOf } from "../alerts.js";
import { ask } from "../api.js";
import { $, boot, fill, setText } from "../dom.js";
import { plural } from "../format.js";
import { on } from "../live.js";
import { isOpen, showState } from "../marks.js";
import { known } from "../runtime.js";
import { soon } from "../soon.js";
import { MOST, bring, listed, prepend, rowOf } from "./rows.js";

const AT_TOP_PX = 60;
const MOST_FAILED = 200;
const MOST_MOVED = 1_000;

const { query, before, isNarrowed, rows: pageful } = boot();
let { newest } = boot();
let waiting = []; // new, and not shown yet; newest first
let isBeyond = false; // more is new than the page lists at all: only a page anew shows it
const moved = new Set(); // ids whose state is another one now, also before the page has them
const watchers = new Map(); // id -> told when it is settled

const bar = $("#sg-new");
const isReading = () => scrollY > AT_TOP_PX || isNarrowed || before !== null;

// ── what is new ────────────────────────────────────────────────────────────

/** Whatever is above what is known of: what is left out here would be a hole that nobody sees. */
const look = soon(async () => {
  if (isBeyond) return;
  const highest = Math.max(newest, ...waiting.map(({ id }) => id));
  const found = await alertsDownTo(highest, { query, first: pageful, most: MOST });
  if (!found) return;
  waiting = [...found.filter(({ id }) => id > highest), ...waiting];
  isBeyond = waiting.length > MOST;
  if (isBeyond) waiting = [];
  if ([...moved].some(isHere)) refresh(); // told while the server was asked
  if (isReading() || waiting.length === 0) showBar();
  else showWaiting();
});

function showBar() {
  bar.hidden = waiting.length === 0 && !isBeyond;
  if (bar.hidden) return;
  const text = isBeyond ? `More than ${MOST} new signals` : plural(waiting.length, "new signal");
  fill(bar, { text: isElsewhere() ? `${text}: to the newest` : text });
}

/** Whether what is new is shown by another page than this one as it stands. */
const isElsewhere = () => before !== null || isBeyond;

/** Put what waits on top; its rows, newest first. */
function showWaiting() {
  const rows = prepend(waiting);
  newest = Math.max(newest, ...waiting.map(({ id }) => id));
  waiting = [];
  showBar();
  if (rows.length > 0 && !isNarrowed) count(rows.length);
  return rows;
}

let counted = Number(boot().total);

function count(more) {
  counted += more;
  if (!boot().isMore) setText($("#sg-count"), `${counted.toLocaleString("en-GB")} kept`);
}

/** Show what is new, where the reader wants it. */
export function showNew() {
  if (isElsewhere()) {
    location.assign($("#sg-newest")?.href ?? `${location.pathname}${location.search}`);
    return;
  }
  const [first] = showWaiting();
  scrollTo({ top: 0 });
  first?.querySelector("a")?.focus();
}

// ── what becomes of those that are listed ──────────────────────────────────

const isHere = (id) => rowOf(id) !== null || waiting.some((alert) => alert.id === id);

const refresh = soon(async () => {
  const ids = [...moved].filter(isHere);
  for (const id of ids) moved.delete(id);
  for (const alert of await alertsOf(ids, { query })) bringAnew(alert);
  await showFailed();
});

function bringAnew(alert) {
  const row = rowOf(alert.id);
  if (row) bring(row, alert);
  else waiting = waiting.map((one) => (one.id === alert.id ? alert : one));
}

/** How many deliveries failed, whichever alerts the page lists. */
async function showFailed() {
  const { ok, body } = await ask("GET", "/api/alerts", {
    query: { state: "failed", limit: MOST_FAILED },
  });
  if (!ok) return;
  const failed = body.alerts
    .flatMap(({ deliveries }) => deliveries)
    .filter(({ state }) => state === "failed").length;
  const box = $("#sg-failed");
  box.hidden = failed === 0;
  const more = body.next === undefined ? "" : "more than ";
  fill(box, { failed: `${more}${plural(failed, "delivery", "deliveries")}` });
}

function changed({ id, state }) {
  const row = rowOf(id);
  if (row) showState($("[data-mark]", row), state);
  moved.add(id);
  if (moved.size > MOST_MOVED) moved.delete(moved.values().next().value); // of no row of this page
  refresh();
  if (!isOpen(state)) watchers.get(id)?.(state);
}

/** The state in which an alert's deliveries end, or null when patience does. */
export function settled(id, patience) {
  return new Promise((resolve) => {
    const finish = (state) => {
      watchers.delete(id);
      clearTimeout(timer);
      resolve(state);
    };
    const timer = setTimeout(() => finish(null), patience);
    watchers.set(id, finish);
  });
}

/** Ask anew how alerts are doing. */
export function bringUp(...ids) {
  for (const id of ids) moved.add(id);
  refresh();
}

/** What was said while there was no line: what is new, and what became of all that is known. */
function catchUp() {
  if (known.socket !== "open") return;
  look();
  bringUp(...listed(), ...waiting.map(({ id }) => id));
}

export function listen() {
  on("signal", look);
  on("system", look);
  on("alert", changed);
  on("link", catchUp);
  bar.addEventListener("click", showNew);
}
