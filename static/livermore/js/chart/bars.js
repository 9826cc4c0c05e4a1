// The candles of the chart with their indicators, oldest first, one of each bucket.
// A bar: {time, open, high, low, close, volume, synthetic, v, s, h, rsi, stage}; time is when it
// opened, unix seconds. A forming one has `forming`, and no indicators yet.

const FIELDS = ["time", "open", "high", "low", "close", "volume", "synthetic", "v", "s", "h", "rsi", "stage"];
const MOST_MISSING = 200; // so many missing candles of one hole are left empty, then it is cut short

/** A bar as the page brings it: a list in the order of FIELDS. */
export function fromBoot(values) {
  const bar = Object.fromEntries(FIELDS.map((field, index) => [field, values[index]]));
  bar.synthetic = bar.synthetic === 1;
  return bar;
}

const seconds = (moment) => Date.parse(moment) / 1_000;

/** Bars out of what /api/candles and /api/indicators say of the same candles. */
export function fromApi(candles, points) {
  const known = new Map(points.map((point) => [point.openedAt, point]));
  return candles.map((candle) => {
    const point = known.get(candle.openedAt) ?? {};
    return {
      ...candle,
      time: seconds(candle.openedAt),
      v: point.macdV ?? null,
      s: point.signal ?? null,
      h: point.histogram ?? null,
      rsi: point.rsi ?? null,
      stage: point.stage ?? null,
    };
  });
}

export class Bars {
  constructor(step, bars) {
    this.step = step; // seconds of a bucket
    this.byTime = new Map();
    this.list = [];
    this.take(bars);
  }

  get first() {
    return this.list[0];
  }

  get last() {
    return this.list.at(-1);
  }

  /** The newest bar whose candle has closed. */
  get lastClosed() {
    return this.last?.forming ? this.list.at(-2) : this.last;
  }

  at(time) {
    return this.byTime.get(time);
  }

  /** Take bars; those that are known already give way. Whether any but the last are others now. */
  take(bars) {
    const end = this.last?.time ?? -Infinity;
    const isRewritten = bars.some((bar) => bar.time < end && !isSame(bar, this.at(bar.time)));
    for (const bar of bars) this.byTime.set(bar.time, bar);
    this.list = [...this.byTime.values()].sort((a, b) => a.time - b.time);
    return isRewritten;
  }

  /** The bar that forms now; of a bucket that has closed it says nothing any more. */
  form(bar) {
    const known = this.at(bar.time);
    if (bar.time < this.last.time || (known && !known.forming)) return false;
    this.take([{ ...bar, forming: true, v: null, s: null, h: null, rsi: null, stage: null }]);
    return true;
  }

  /** Every bucket from the first to the last: a bar, or {time} alone where a candle is missing. */
  buckets() {
    const out = [];
    for (const bar of this.list) {
      const before = out.at(-1)?.time ?? bar.time - this.step;
      const missing = Math.min(MOST_MISSING, Math.round((bar.time - before) / this.step) - 1);
      for (let n = missing; n > 0; n--) out.push({ time: bar.time - n * this.step });
      out.push(bar);
    }
    return out;
  }
}

function isSame(bar, known) {
  return known !== undefined && FIELDS.every((field) => bar[field] === known[field]);
}
