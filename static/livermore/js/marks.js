// What became of an alert: tone, icon and word of each state. The same rules as `control/marks.py`.

import { $, fill, setAttribute, setIcon } from "./dom.js";

const STATES = {
  pending: ["off", "starting", "Waiting"],
  delivered: ["ok", "ok", "Delivered"],
  uncertain: ["warn", "unknown", "Uncertain"],
  failed: ["bad", "x", "Failed"],
  missed: ["warn", "stale", "Missed"],
  quiet: ["off", "moon", "Quiet hours"],
  muted: ["off", "muted", "Muted"],
  recorded: ["off", "recorded", "Recorded only"],
};

/** Bring a mark in line with a state; one of a newer program is shown by its own name. */
export function showState(mark, state) {
  const [tone, glyph, word] = STATES[state] ?? ["off", "unknown", state];
  setAttribute(mark, "data-s", tone);
  setIcon(mark, glyph);
  fill(mark, { state: word });
}

/** Whether more is to be expected: its deliveries are still on their way. */
export const isOpen = (state) => state === "pending";
