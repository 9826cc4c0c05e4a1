// What is known of the runtime, and what may therefore be said of it.
// Rule 1: a status never gives way to an older one.
// Rule 2: what is old, or cannot be known, is never shown as if it were so now.

import { boot } from "./dom.js";

export const LABELS = {
  starting: "Starting",
  running: "Running",
  paused: "Paused",
  faulted: "Faulted",
  stale: "No heartbeat",
  offline: "Offline",
  unknown: "Unknown",
};

const BLINK_MS = 1_500; // a line that is back sooner was never worth a word

const first = boot();

export const known = {
  status: first?.status ?? null, // the last one heard, however old
  absent: first ? first.status === null : false, // the server says that there is none now
  desired: first?.desired ?? null,
  lastSignalAt: 0,
  redis: first?.reachable === false ? "away" : "up", // as the server sees it
  socket: "connecting", // connecting, open, lost
  lostAt: Date.now(), // browser's clock: when the line was last not open
  signedIn: true,
};

/** Take a status from the wire; false if a newer one is known. Null: no runtime speaks. */
export function accept(status) {
  known.absent = status === null;
  if (status === null) return true;
  if (isOlder(status, known.status)) return false;
  known.status = status;
  want(status.desired);
  return true;
}

/** Take what the user wants; the highest revision is the latest. */
export function want(desired) {
  if (!known.desired || desired.revision >= known.desired.revision) known.desired = desired;
}

/** Whether a status, or the name of one, is older than another; not where there is no other. */
export function isOlder(status, than) {
  if (!than) return false;
  for (const key of ["epoch", "stateVersion", "at"]) {
    if (status[key] !== than[key]) return status[key] < than[key];
  }
  return false;
}

/** Whether the newest status shows what an answer promised with its {epoch, stateVersion}. */
export function hasReached({ epoch = 0, stateVersion = 0 }) {
  const { status } = known;
  if (!status) return false;
  return status.epoch > epoch || (status.epoch === epoch && status.stateVersion >= stateVersion);
}

/** Whether the page itself has been cut off, for longer than a blink. */
export const isCutOff = () =>
  !known.signedIn || (known.socket !== "open" && Date.now() - known.lostAt > BLINK_MS);

/** Whether anything is known: a page opens with what the server knew, or with nothing. */
export const isInformed = () => Boolean(known.status || known.absent || isCutOff());

/** The state that may be claimed at server time `at`. */
export function state(at) {
  if (!known.signedIn || known.redis === "away") return "unknown";
  if (isCutOff()) return "unknown";
  if (known.absent || !known.status) return "offline";
  if (at - known.status.at > 2 * known.status.heartbeatMs) return "stale";
  return known.status.state;
}

export function label(shown) {
  if (shown !== "unknown") return LABELS[shown];
  if (!known.signedIn) return "Signed out";
  return isCutOff() ? "Reconnecting" : LABELS.unknown;
}

/** Whether the values on the page are from now; false greys them. */
export const isCurrent = (shown) => !["unknown", "offline", "stale"].includes(shown);
