// The control panel: puts the parts together and keeps them current.

import { now } from "../clock.js";
import { $, boot, fill, setText } from "../dom.js";
import { key } from "../keys.js";
import { on } from "../live.js";
import { isCurrent, isInformed, known, state } from "../runtime.js";
import { showBackfills } from "./backfilling.js";
import { showCache } from "./cache.js";
import { showExchanges } from "./exchanges.js";
import { mapAge, showFacts } from "./header.js";
import * as heatmap from "./heatmap.js";
import {
  addCommand,
  addSignal,
  beginHistory,
  heardOf,
  moveCommand,
  moveSignal,
  showErrors,
  showSignals,
  tickCommands,
  tickErrors,
} from "./lists.js";
import * as missed from "./missed.js";
import { showNotices } from "./notices.js";
import { showPositions } from "./positions.js";
import * as tools from "./tools.js";

const TICK_MS = 500;

/** What depends on the time: states and ages. */
function tick() {
  if (!isInformed()) return;
  const at = now();
  const shown = state(at);
  showFacts(shown, at);
  showNotices(shown, at);
  setText($("#cp-map-age"), mapAge(shown, at));
  tools.showToggle();
  tools.showUndo(isCurrent(shown));
  tickCommands();
  if (!known.status) return;
  tickErrors(at);
  showExchanges(known.status, isCurrent(shown));
  showPositions(known.status, at);
}

/** What changes with a status. */
function draw() {
  const { status } = known;
  if (status && !known.absent) {
    heatmap.showMap(status);
    showErrors(status.errors);
    showBackfills(status.backfill ?? []);
    showCache(status.cache);
    fill($(".cp-feed"), { today: `${status.counts.signalsToday} today` });
  }
  tick();
}

function fired(signal) {
  known.lastSignalAt = Math.max(known.lastSignalAt, signal.closedAt);
  addSignal(signal);
  heatmap.flash(signal);
}

on("status", draw);
on("desired", tick);
on("link", tick);
on("indicator", heatmap.moveCell);
on("signal", fired);
on("alert", moveSignal);
on("sent", addCommand);
on("progress", moveCommand);
on("answer", heardOf);

tools.listen();
heatmap.listen();
missed.listen();
key("h", "Walk the heat map (arrow keys)", heatmap.focusMap);
key("/", "Filter symbols", () => $("#cp-filter").focus());

showSignals(boot().signals);
beginHistory(boot().history);
draw();
setInterval(tick, TICK_MS);
