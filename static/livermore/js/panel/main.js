// The control panel: puts the parts together and keeps them current.

import { now } from "../clock.js";
import { $, boot, fill, setText } from "../dom.js";
import { key } from "../keys.js";
import { on } from "../live.js";
import { isCurrent, isInformed, known, state } from "../runtime.js";
import { showExchanges } from "./exchanges.js";
import { mapAge, showFacts } from "./header.js";
import * as heatmap from "./heatmap.js";
import {
  addCommand,
  addSignal,
  moveCommand,
  moveSignal,
  showErrors,
  showHistory,
  showSignals,
  tickCommands,
} from "./lists.js";
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
  showExchanges(known.status.exchanges, isCurrent(shown));
  showPositions(known.status, at);
}

/** What changes with a status. */
function draw() {
  const { status } = known;
  if (status && !known.absent) {
    heatmap.showMap(status);
    showErrors(status.errors, now());
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

tools.listen();
heatmap.listen();
key("h", "Walk the heat map (arrow keys)", heatmap.focusMap);
key("/", "Filter symbols", () => $("#cp-filter").focus());

showSignals(boot().signals);
showHistory(boot().history);
draw();
setInterval(tick, TICK_MS);
