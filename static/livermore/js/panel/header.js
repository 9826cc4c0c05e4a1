// The facts in the panel's first card: what is true now, by the server's clock.

import { $, fill, setIcon, setText } from "../dom.js";
import { age, count, uptime } from "../format.js";
import { isCurrent, known, label } from "../runtime.js";

const card = $("#cp-status");
const pill = $("#cp-pill");

export function showFacts(shown, at) {
  const { status } = known;
  const current = isCurrent(shown);
  card.dataset.state = pill.dataset.state = shown;
  setIcon(pill, shown);
  setText($("span", pill), label(shown));
  document.body.classList.toggle("cp-old", !current);
  document.body.classList.toggle("cp-frozen", shown === "paused" || shown === "faulted");
  if (!status) {
    fill(card, { mode: known.desired?.mode ?? "–" });
    return;
  }
  const { watched, stale, trades } = status.counts;
  fill(card, {
    mode: status.mode,
    up: current ? uptime(at - status.startedAt) : "–",
    heartbeat: `${age(at - status.at)} ago`,
    symbols: stale ? `${watched} · ${stale} stale` : watched,
    trades: count(trades),
    signal: lastSignal(status, at),
    revision: `revision ${status.settingsRevision}`,
  });
  $('[data-slot="heartbeat"]', card).classList.toggle("cp-late", !current);
}

function lastSignal(status, at) {
  const last = Math.max(status.lastSignalAt ?? 0, known.lastSignalAt);
  return last ? `${age(at - last)} ago` : "none yet";
}

/** What the heat map's heading says of its age. */
export function mapAge(shown, at) {
  const { status } = known;
  if (!status) return "";
  if (!isCurrent(shown)) return `as of ${age(at - status.at)} ago`;
  if (shown === "faulted") return `stopped ${age(at - status.fault.since)} ago`;
  if (shown === "paused") return "not updated while paused";
  return "closed candles";
}
