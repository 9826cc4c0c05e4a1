// The drawing: price, MACD-V and RSI, three panes of one chart.

import { MINUS, price as written } from "../format.js";
import { candleLook, chartLook, histogramColor, idleLook, onTheme, token } from "./look.js";
import { marks } from "./marks.js";
import { timesOf } from "./times.js";

const SHARES = [3, 2, 1]; // of the height; chart.css has the same
const ZONES = [150, 50, -50, -150];
const LEVELS = [70, 30];
const FIGURES = 5; // of a price
const NONE = "transparent";

const number = (value) => value.toFixed(0).replace("-", MINUS);

export class Panes {
  /**
   * @param library The module of lightweight-charts.
   * @param box Where it is drawn.
   * @param step Seconds of a candle.
   */
  constructor(library, box, step) {
    this.library = library;
    this.times = timesOf(step);
    this.chart = library.createChart(box, { ...chartLook(this.times), autoSize: true });
    this.addPrice();
    this.addMacdV();
    this.addRsi();
    this.chart.panes().forEach((pane, index) => pane.setStretchFactor(SHARES[index]));
    this.marked = library.createSeriesMarkers(this.price, []);
    this.signals = [];
    this.chosen = null;
    onTheme(() => this.paint());
  }

  addPrice() {
    const { CandlestickSeries, HistogramSeries } = this.library;
    // The moment that is meant: a band behind everything.
    this.band = this.chart.addSeries(HistogramSeries, {
      priceScaleId: "",
      priceLineVisible: false,
      lastValueVisible: false,
    });
    this.band.priceScale().applyOptions({ scaleMargins: { top: 0, bottom: 0 } });
    // The library's own line would have the colour of a hollow candle, which is none.
    const quiet = { priceLineVisible: false, lastValueVisible: false };
    this.price = this.chart.addSeries(CandlestickSeries, { ...candleLook(), ...quiet });
    this.last = this.price.createPriceLine({
      price: 0,
      lineWidth: 1,
      lineStyle: this.library.LineStyle.Dotted,
      axisLabelVisible: true,
      title: "",
    });
  }

  addMacdV() {
    const { HistogramSeries, LineSeries, LineStyle } = this.library;
    const format = { priceFormat: { type: "custom", formatter: number, minMove: 0.1 } };
    const quiet = { priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false };
    this.histogram = this.chart.addSeries(HistogramSeries, { ...format, ...quiet }, 1);
    const dashed = { lineWidth: 1, lineStyle: LineStyle.Dashed };
    this.signalLine = this.chart.addSeries(LineSeries, { ...format, ...quiet, ...dashed }, 1);
    this.macdV = this.chart.addSeries(
      LineSeries,
      { ...format, lineWidth: 2, priceLineVisible: false },
      1,
    );
    this.zones = ZONES.map((at) =>
      this.macdV.createPriceLine({
        price: at,
        lineWidth: 1,
        lineStyle: Math.abs(at) === 150 ? LineStyle.Solid : LineStyle.Dotted,
        axisLabelVisible: Math.abs(at) === 150,
        title: "",
      }),
    );
  }

  addRsi() {
    const { LineSeries, LineStyle } = this.library;
    const format = { priceFormat: { type: "custom", formatter: number, minMove: 0.1 } };
    this.rsi = this.chart.addSeries(
      LineSeries,
      {
        ...format,
        lineWidth: 1,
        priceLineVisible: false,
        autoscaleInfoProvider: () => ({ priceRange: { minValue: 10, maxValue: 90 } }),
      },
      2,
    );
    this.levels = LEVELS.map((at) =>
      this.rsi.createPriceLine({
        price: at,
        lineWidth: 1,
        lineStyle: LineStyle.Dotted,
        axisLabelVisible: true,
        title: "",
      }),
    );
  }

  /** Every colour anew. */
  paint() {
    this.chart.applyOptions(chartLook(this.times));
    this.price.applyOptions(candleLook());
    this.macdV.applyOptions({ color: token("accent") });
    this.signalLine.applyOptions({ color: token("down") });
    this.rsi.applyOptions({ color: token("ink-2") });
    const line = { color: token("control"), axisLabelColor: token("ink-3"), axisLabelTextColor: token("surface") };
    for (const zone of [...this.zones, ...this.levels]) zone.applyOptions(line);
    if (this.bars) this.draw(this.bars);
    this.mark(this.signals, this.chosen);
  }

  /** All bars. */
  draw(bars) {
    this.bars = bars;
    const buckets = bars.buckets();
    this.price.applyOptions({ priceFormat: priceFormat(bars.last.close) });
    this.price.setData(buckets.map(candle));
    this.macdV.setData(line(buckets, "v"));
    this.signalLine.setData(line(buckets, "s"));
    this.histogram.setData(buckets.map((bar, index) => step(bar, buckets[index - 1])));
    this.rsi.setData(line(buckets, "rsi"));
    this.showLast(bars.last);
  }

  /** The last price on its axis. */
  showLast({ open, close }) {
    const color = token(close >= open ? "up" : "down");
    const label = { axisLabelColor: color, axisLabelTextColor: token("surface") };
    this.last.applyOptions({ price: close, color, ...label });
  }

  /** The last bar alone. */
  update(bar, before) {
    this.price.update(candle(bar));
    this.showLast(bar);
    if (bar.forming) return;
    for (const [series, field] of [[this.macdV, "v"], [this.signalLine, "s"], [this.rsi, "rsi"]]) {
      if (bar[field] != null) series.update({ time: bar.time, value: bar[field] });
    }
    this.histogram.update(step(bar, before));
  }

  /** The user's signals, and the moment that is meant. */
  mark(signals, chosen) {
    this.signals = signals;
    this.chosen = chosen;
    if (!this.bars) return;
    this.marked.setMarkers(marks(signals.filter(({ openedAt }) => this.bars.at(openedAt)), chosen));
    const isThere = chosen !== null && this.bars.at(chosen);
    this.band.setData(isThere ? [{ time: chosen, value: 1, color: token("accent-soft") }] : []);
  }

  /** Show so many bars, the moment in their middle; without one the newest. */
  show(count, moment) {
    const buckets = this.bars.buckets();
    const index = buckets.findIndex(({ time }) => time === moment);
    const end = index < 0 ? buckets.length + 4 : Math.min(buckets.length + 4, index + count / 2);
    this.chart.timeScale().setVisibleLogicalRange({ from: end - count, to: end });
  }
}

function candle(bar) {
  if (bar.close === undefined) return { time: bar.time };
  const { time, open, high, low, close } = bar;
  return { time, open, high, low, close, ...(bar.synthetic ? idleLook() : {}) };
}

/** A line that begins anew behind a hole: the stroke that would lead across it is not seen. */
function line(buckets, field) {
  let last = null; // the newest point; its colour is that of the stroke that leaves it
  let isBroken = false;
  return buckets.map((bar) => {
    const value = bar[field];
    if (value === null || value === undefined) {
      isBroken = last !== null;
      return { time: bar.time };
    }
    if (isBroken) last.color = NONE;
    isBroken = false;
    last = { time: bar.time, value };
    return last;
  });
}

function step(bar, before) {
  if (bar.h === null || bar.h === undefined) return { time: bar.time };
  const isShrinking = before?.h != null && Math.abs(bar.h) < Math.abs(before.h);
  return { time: bar.time, value: bar.h, color: histogramColor(bar.h, isShrinking) };
}

function priceFormat(close) {
  const magnitude = Math.floor(Math.log10(Math.abs(close) || 1));
  const minMove = 10 ** Math.max(-12, Math.min(-2, magnitude - FIGURES + 1));
  return { type: "custom", formatter: written, minMove };
}
