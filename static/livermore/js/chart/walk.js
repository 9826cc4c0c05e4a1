// The chart by keyboard: the crosshair walks from bar to bar, and what it is on is said.

import { $ } from "../dom.js";

const PAGE = 20;
const ZOOM = 0.8;
const FEWEST = 10;

/**
 * Let the keyboard walk. `bars` is the list of bars, `show(bar)` and `say(bar)` tell of one,
 * `isMarked(bar)` says whether the user has a signal of it.
 */
export function walk(panes, bars, { show, say, isMarked }) {
  const box = $("#ch-box");
  const scale = panes.chart.timeScale();
  let index = null;

  function go(to) {
    const { list } = bars;
    index = Math.max(0, Math.min(list.length - 1, to));
    const bar = list[index];
    reveal(bar.time);
    panes.chart.setCrosshairPosition(bar.close, bar.time, panes.price);
    show(bar);
    say(bar);
  }

  /** The nearest bar with a signal, that way. */
  function seek(by) {
    const { list } = bars;
    let to = (index ?? list.length) + by;
    while (list[to] && !isMarked(list[to])) to += by;
    if (list[to]) go(to);
  }

  function reveal(time) {
    const place = scale.timeToIndex(time, true);
    const range = scale.getVisibleLogicalRange();
    if (place === null || !range) return;
    const by = place < range.from ? place - range.from - 2 : place > range.to ? place - range.to + 2 : 0;
    if (by) scale.setVisibleLogicalRange({ from: range.from + by, to: range.to + by });
  }

  function zoom(factor) {
    const { from, to } = scale.getVisibleLogicalRange();
    const length = Math.max(FEWEST, (to - from) * factor);
    scale.setVisibleLogicalRange({ from: to - length, to });
  }

  box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const here = index ?? bars.list.length;
    const act = {
      ArrowLeft: () => go(here - 1),
      ArrowRight: () => go(here + 1),
      PageUp: () => go(here - PAGE),
      PageDown: () => go(here + PAGE),
      Home: () => go(0),
      End: () => go(bars.list.length - 1),
      ",": () => seek(-1),
      ".": () => seek(1),
      "+": () => zoom(ZOOM),
      "-": () => zoom(1 / ZOOM),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
  box.addEventListener("blur", () => {
    index = null;
    panes.chart.clearCrosshairPosition();
  });
}
