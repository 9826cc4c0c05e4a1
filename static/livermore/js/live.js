// The page's line to its runtime: one WebSocket, redialled with backoff when it is lost.
// on(type, fn) tells of: status, desired, link (something about the line has changed), answer (to a
// command, whosever), and the events of the runtime as they are: signal, indicator, alert, system.

import { measured } from "./clock.js";
import { renew, sub } from "./page.js";
import { accept, known, want } from "./runtime.js";

const PULSE_MS = 3_000; // how often the line is tried
const SILENCE_MS = 8_000; // a line without a word for so long is dead
const BACKOFF_MS = [250, 10_000];
const REPORT_EVERY = 8; // messages, or
const REPORT_MS = 250;
const NO_LONGER_WELCOME = 4401;

const EVENTS = new Set(["signal", "indicator", "alert", "system"]);

const bus = new EventTarget();

export const emit = (type, detail) => bus.dispatchEvent(new CustomEvent(type, { detail }));

/** Call `fn` with every message of a type; returns what ends that. */
export function on(type, fn) {
  const listener = (event) => fn(event.detail);
  bus.addEventListener(type, listener);
  return () => bus.removeEventListener(type, listener);
}

let socket = null;
let attempts = 0;
let heardAt = 0;
let counted = 0; // messages handled since the socket opened
let reported = 0;
let reporting = null;
let redialling = null;

export function connect() {
  clearTimeout(redialling);
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  // Of whom: another person may have signed in meanwhile, and this page is not theirs.
  const whose = new URLSearchParams({ sub });
  const dialled = new WebSocket(`${scheme}://${location.host}/ws/runtime/?${whose}`);
  const listen = (type, fn) => dialled.addEventListener(type, (event) => dialled === socket && fn(event));
  hangUp();
  socket = dialled;
  listen("open", opened);
  listen("message", (event) => received(event.data));
  listen("close", closed);
}

/** End a line and hear no more of it: of one on which nothing comes, the goodbye takes a minute. */
function hangUp() {
  socket?.close();
  socket = null;
}

function opened() {
  known.socket = "open";
  heardAt = Date.now();
  counted = reported = 0;
  pulse();
  emit("link");
}

async function closed({ code } = {}) {
  const wasOpen = known.socket === "open";
  if (wasOpen) known.lostAt = Date.now();
  known.socket = "lost";
  emit("link");
  // A refused socket does not say why; a page says who is signed in.
  if ((!wasOpen || code === NO_LONGER_WELCOME) && (await renew()) === "other") {
    known.signedIn = false;
    emit("link");
    return;
  }
  const [shortest, longest] = BACKOFF_MS;
  const ceiling = Math.min(longest, shortest * 2 ** attempts++);
  redialling = setTimeout(connect, ceiling * (0.5 + Math.random() / 2));
}

/** Who has signed in again in another tab goes on where they come back to this one. */
async function comeBack() {
  if (known.signedIn || document.visibilityState !== "visible") return;
  if ((await renew()) !== "same" || known.signedIn) return;
  known.signedIn = true;
  known.lostAt = Date.now();
  connect();
  emit("link");
}

function pulse() {
  if (known.socket !== "open") return;
  if (Date.now() - heardAt > SILENCE_MS) {
    hangUp();
    closed();
  } else say({ type: "clock", sent: Date.now() });
}

/** Between the end of a line and the word of it there is a moment in which nothing can be sent. */
function say(message) {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

setInterval(pulse, PULSE_MS);
addEventListener("visibilitychange", () => document.visibilityState === "visible" && pulse());
addEventListener("visibilitychange", comeBack);
addEventListener("focus", comeBack);
addEventListener("online", () => known.socket === "lost" && known.signedIn && connect());

function received(text) {
  heardAt = Date.now();
  attempts = 0;
  report();
  const message = JSON.parse(text);
  switch (message.type) {
    case "status":
      if (accept(message.status)) emit("status");
      break;
    case "desired":
      want(message.desired);
      emit("desired");
      break;
    case "link":
      known.redis = message.redis;
      emit("link");
      break;
    case "clock":
      measured(message.sent, message.now, heardAt);
      break;
    case "ack":
    case "result":
      emit("answer", message);
      break;
    default: // of a newer worker there may be events that mean nothing here yet
      if (EVENTS.has(message.type)) emit(message.type, message);
  }
}

/** Tell the server how far this page has come, so that it sends no more than we can handle. */
function report() {
  counted += 1;
  if (counted - reported >= REPORT_EVERY) sendReport();
  else reporting ??= setTimeout(sendReport, REPORT_MS);
}

function sendReport() {
  clearTimeout(reporting);
  reporting = null;
  reported = counted;
  if (known.socket === "open") say({ type: "seen", count: counted });
}
