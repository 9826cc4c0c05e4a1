// The chart's page: puts the parts together and keeps them current.

import { $, $$, boot, setText } from "../dom.js";
import { key } from "../keys.js";
import { Bars, fromBoot } from "./bars.js";
import { follow, older } from "./current.js";
import { Panes } from "./panes.js";
import { sayBar, showBar, showNote, showNow, showTrouble } from "./readout.js";
import { showRows } from "./table.js";
import { walk } from "./walk.js";

const SHOWN = { wide: 150, narrow: 60 }; // bars at first
const NARROW_PX = 600;
const EDGE = 20; // so near to the oldest bar, older ones are asked for

const { seconds, at, bars: given, forming, signals } = boot();
const bars = new Bars(seconds, given.map(fromBoot));
if (forming) bars.form(fromBoot(forming));

const signalsAt = (time) => signals.filter(({ openedAt }) => openedAt === time);

async function open() {
  // A hundred and more kilobytes that no other page needs.
  const library = await import("../../../vendor/lightweight-charts.js");
  const box = $("#ch-box");
  const panes = new Panes(library, box, seconds);
  panes.draw(bars);
  panes.mark(signals, at);
  panes.paint();
  panes.show(box.clientWidth < NARROW_PX ? SHOWN.narrow : SHOWN.wide, at);
  listen(panes);
  show(resting());
  box.dataset.drawn = "yes";
}

/** What is shown where nothing is pointed at: the moment that is meant, else the newest. */
const resting = () => (at === null ? bars.last : (bars.at(at) ?? bars.last));
const show = (bar) => showBar(bar, seconds, signalsAt(bar.time), bars.lastClosed);
const say = (bar) => sayBar(bar, seconds, signalsAt(bar.time));

function listen(panes) {
  let pointed = null;
  panes.chart.subscribeCrosshairMove(({ time }) => {
    pointed = time === undefined ? null : (bars.at(time) ?? null);
    show(pointed ?? resting());
  });
  walk(panes, bars, { show, say, isMarked: ({ time }) => signalsAt(time).length > 0 });
  readBack(panes);
  follow({
    newestTime: () => bars.lastClosed?.time ?? 0,
    fail: showTrouble,
    take(news) {
      take(panes, news);
      if (!pointed) show(resting());
    },
    told(signal) {
      signals.push({ ...signal, openedAt: signal.closedAt / 1_000 - seconds, level: null });
      panes.mark(signals, at);
    },
  });
}

/** What is new: the last bars alone where that is all, else the whole drawing. */
function take(panes, { bars: news, forming: growing, note }) {
  const before = bars.lastClosed;
  const isRewritten = bars.take(news);
  if (isRewritten) panes.draw(bars);
  else {
    for (const bar of news) {
      if (bar.time > (before?.time ?? 0)) panes.update(bar, bars.at(bar.time - seconds));
    }
  }
  if (growing && bars.form(growing)) panes.update(bars.last);
  if (bars.lastClosed !== before) panes.mark(signals, at);
  showRows(news, seconds);
  showNote(note);
  showNow(bars.lastClosed, bars.last);
}

/** Whoever scrolls to the oldest bar gets older ones, as far as they are kept. */
function readBack(panes) {
  const scale = panes.chart.timeScale();
  let isReading = false;
  let isEnd = false;
  scale.subscribeVisibleLogicalRangeChange(async (range) => {
    if (!range || range.from > EDGE || isReading || isEnd) return;
    isReading = true;
    const found = await older(bars.first.time);
    isReading = false;
    isEnd = found.length === 0;
    if (isEnd) {
      setText($("#ch-live"), "Nothing older is kept.");
      return;
    }
    const { from, to } = scale.getVisibleLogicalRange();
    const length = panes.bars.buckets().length;
    bars.take(found);
    panes.draw(bars);
    const more = panes.bars.buckets().length - length;
    scale.setVisibleLogicalRange({ from: from + more, to: to + more });
    panes.mark(signals, at);
  });
}

/** The next longer or shorter timeframe. */
function turn(by) {
  const links = $$(".ch-head nav a");
  links[links.findIndex((link) => link.hasAttribute("aria-current")) + by]?.click();
}

key("/", "Another market", () => $("#ch-symbol").focus());
key("[", "Shorter timeframe", () => turn(-1));
key("]", "Longer timeframe", () => turn(1));
key("b", "Back to the signals", () => $(".ch-head a").click());

open();
