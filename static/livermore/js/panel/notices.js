// Callouts: one for every state that is not plainly "running". The words stand in the template;
// here is decided which of them are true, and their figures are filled in.

import { $, $$, boot, fill } from "../dom.js";
import { age, count } from "../format.js";
import { isCutOff, known } from "../runtime.js";

const PENDING_MS = 3_000; // a living runtime applies within this; only longer is worth a callout

const root = $("#cp-notices");
const notices = new Map($$("[data-notice]", root).map((node) => [node.dataset.notice, node]));

// Without an exchange no worker runs an account: that is no outage, but where one begins.
const isSetUp = boot().enablesExchange;

let differsSince = null;

export function showNotices(shown, at) {
  const wanted = figures(shown, at);
  for (const [name, node] of notices) {
    const values = wanted[name];
    if (values) fill(node, values);
    node.hidden = !values;
  }
}

/** Name of each true callout -> the values of its slots. */
function figures(shown, at) {
  const { status } = known;
  const heard = status ? `${age(at - status.at)} ago` : "not lately"; // a status is kept for three heartbeats only
  const result = {};
  if (!known.signedIn) result["signed-out"] = {};
  else if (isCutOff()) result.reconnecting = { heard };
  else if (known.redis === "away") result.away = { heard };
  else if (shown === "offline") result[isSetUp ? "offline" : "first-run"] = { heard };
  else if (shown === "stale") result.stale = { silence: `for ${age(at - status.at)}` };
  if (shown === "faulted") {
    const name = status.fault.where === "settings" ? "unusable" : "faulted";
    result[name] = faultFigures(status.fault, at);
  }
  if (shown === "paused") result.paused = pauseFigures(status, at);
  if (shown === "running" && status.dataPlane.state === "hangs") {
    result.hangs = { hanging: `for ${age(status.dataPlane.beatAgeMs)}` };
  }
  if (shown === "running" && status.counts.warming) result.warming = warmUpFigures(status);
  const wants = notYetApplied(shown, at);
  if (wants) result.recorded = { wants };
  return result;
}

const pauseFigures = (status, at) => ({
  since: status.pausedAt ? `${age(at - status.pausedAt)} ago` : "",
});

const warmUpFigures = ({ counts, warmUp }) => ({
  warming: count(counts.warming),
  watched: count(counts.watched),
  bars: count(warmUp?.bars ?? 0),
  wanted: count(warmUp?.wanted ?? 0),
});

const faultFigures = (fault, at) => ({
  error: fault.error,
  where: fault.where,
  since: `${age(at - fault.since)} ago`,
  attempt: fault.attempt,
  retry: fault.retryAt > at ? `in ${age(fault.retryAt - at)}` : "now",
});

/** In words, what PostgreSQL has and the runtime has not done; null when they agree. */
function notYetApplied(shown, at) {
  const { status, desired } = known;
  const wants = status && desired ? differences(status, desired) : [];
  if (!wants.length) {
    differsSince = null;
    return null;
  }
  differsSince ??= at;
  const isAlive = ["running", "paused", "starting"].includes(shown);
  if (isAlive && at - differsSince < PENDING_MS) return null;
  return wants.join(", ");
}

function differences(status, desired) {
  const isPaused = status.state === "paused";
  const wants = [];
  if (desired.isPaused && !isPaused) wants.push("pause");
  if (!desired.isPaused && isPaused) wants.push("resume");
  if (desired.mode !== status.mode) wants.push(`switch to ${desired.mode}`);
  return wants;
}
