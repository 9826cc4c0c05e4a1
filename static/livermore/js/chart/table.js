// The table beneath the chart: the newest closed candle is put on top as it closes.

import { $, clone, fill } from "../dom.js";
import { amount, moment, price, signed } from "../format.js";

const MOST = 60;

const body = $("#ch-values");
const figure = (value) => (value == null ? "" : signed(value, 1));

/** Bring the rows of closed bars in line, oldest bar first. */
export function showRows(bars, step) {
  for (const bar of bars) {
    const known = $(`tr[data-opened="${bar.time}"]`, body);
    const row = known ?? clone("ch-value");
    row.dataset.opened = bar.time;
    fill(row, {
      at: moment((bar.time + step) * 1_000),
      open: price(bar.open),
      high: price(bar.high),
      low: price(bar.low),
      close: price(bar.close),
      volume: bar.synthetic ? "no trade" : amount(bar.volume),
      v: figure(bar.v),
      s: figure(bar.s),
      h: figure(bar.h),
      rsi: bar.rsi?.toFixed(1),
      stage: bar.stage,
    });
    if (!known && isNewer(bar)) body.prepend(row);
  }
  while (body.children.length > MOST) body.lastElementChild.remove();
}

const isNewer = ({ time }) => time > Number(body.firstElementChild?.dataset.opened ?? 0);
