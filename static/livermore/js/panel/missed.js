// What was told while this page could not hear it, for it is told once: read anew whenever the line
// is there, also at first, for something may have been told since the server made the page.

import { alertsDownTo, alertsOf } from "../alerts.js";
import { on } from "../live.js";
import { known } from "../runtime.js";
import { soon } from "../soon.js";
import { addSignal, listedSignals, moveSignal, readHistory } from "./lists.js";

const SIGNALS = { query: "about=signals", first: 50, most: 200 };

const told = new Set(); // ids of whose state the line has told since the server was asked

// Of the history the server knows nothing while Redis is away, and when it is back the line says so.
const read = soon(() => Promise.all([readSignals(), known.redis === "up" && readHistory()]));

async function readSignals() {
  told.clear();
  const listed = listedSignals();
  const newest = await alertsDownTo(Math.max(0, ...listed), SIGNALS);
  if (!newest) return;
  const found = new Set(newest.map(({ id }) => id));
  const others = await alertsOf(listed.filter((id) => !found.has(id)), SIGNALS);
  for (const alert of [...others, ...newest.reverse()]) {
    if (!told.has(alert.id)) moveSignal(alert);
    addSignal(asTold(alert));
  }
}

/** A signal of the HTTP API as the line would have told it. */
const asTold = (alert) => ({
  ...alert,
  value: alert.macdV,
  closedAt: Date.parse(alert.candleClosedAt),
});

export function listen() {
  on("alert", ({ id }) => told.add(id));
  on("link", () => known.socket === "open" && read());
}
