// What the panel's dialogs have in common: a question that is answered by "go" or not at all, and
// why a command could not be carried out now.

import { setText } from "../dom.js";
import { elsewhere, short } from "../format.js";
import { known, state } from "../runtime.js";
import { now } from "../clock.js";

/** Open a dialog; true once it is closed by its own button, false by any other way. */
export function asked(dialog) {
  return new Promise((resolve) => {
    dialog.returnValue = "";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "go"), { once: true });
    dialog.showModal();
  });
}

const REASONS = {
  paused: "The runtime is paused and reads nothing. Resume it first.",
  offline: "No worker is running this account, so nothing would be read.",
  unknown: "What the runtime does is not known now.",
};

/** Why nothing can be read from an exchange now; "" where nothing is known against it. */
export const hindrance = () => REASONS[state(now())] ?? "";

/** Show a sentence, or nothing. */
export function say(node, text) {
  setText(node, text);
  node.hidden = !text;
}

/** The watched markets as a person reads them, in the order of the watchlist. */
export const markets = () =>
  (known.status?.symbols ?? []).map(({ symbol, exchange, live }) => ({
    key: `${exchange}:${symbol}`,
    symbol,
    exchange,
    live,
    name: short(symbol),
    at: elsewhere({ symbol, exchange }),
  }));
