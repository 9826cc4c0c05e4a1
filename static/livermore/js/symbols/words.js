// How this page writes what is its own; the same rules as the server's `templatetags/symbols.py`
// and `pages/symbol_table.py`, which gives the words for states and stages.

import { boot } from "../dom.js";
import { signed } from "../format.js";

const { looks, stages, labels } = boot() ?? { looks: {}, stages: {}, labels: {} };
const STEPS = [
  [1e9, "B"],
  [1e6, "M"],
  [1e3, "k"],
];
const CHART_TIMEFRAME = "1h";
const COMMON = 5; // a sentence that more rows share is said once, above them

export const keyOf = ({ exchange, symbol }) => `${exchange}:${symbol}`;

/** [tone, glyph, word] of a state; a state of a newer server is shown by its own name. */
export const lookOf = (state) => looks[state] ?? ["off", "unknown", state.replaceAll("-", " ")];

/** The two letters of a stage. */
export const letters = (stage) => stages[stage] ?? "·";

export const labelOf = (exchange) => labels[exchange] ?? exchange;

/** A volume in three or four figures: 1.70 B, 659.3 M, 12 k. */
export function compact(value) {
  const step = STEPS.find(([size]) => value >= size);
  if (!step) return value.toFixed(0);
  const size = value / step[0];
  return `${size.toFixed(size < 10 ? 2 : 1)} ${step[1]}`;
}

/** A cell in words: timeframe, stage and MACD-V. Takes {stage, macdV, liquidity}. */
export function told(timeframe, { stage, macdV, liquidity } = {}) {
  if (macdV == null) {
    const said = liquidity === "low" ? "low trading activity" : (stage ?? "nothing known");
    return `${timeframe} ${said.replaceAll("-", " ")}`;
  }
  return `${timeframe} ${(stage ?? "").replaceAll("-", " ")} ${signed(macdV)}`;
}

/** A related market in words. */
export function also({ native, exchange, note, onWatchlist }) {
  return `${native} on ${labelOf(exchange)}, ${note}${onWatchlist ? ", on your list" : ""}`;
}

/** Where the chart of a market is; `address` is that of any. */
export function chartAddress(address, { exchange, symbol }) {
  const url = new URL(address, location.href);
  url.search = new URLSearchParams({ exchange, symbol, timeframe: CHART_TIMEFRAME });
  return url.href;
}

/** How much of its time a symbol is traded, by the shortest timeframe that tells. */
export function liquidityOf(timeframes, order) {
  const known = order.map((tf) => timeframes[tf]).find((one) => one?.stage || one?.liquidity);
  return known ? (known.liquidity ?? "high") : "unknown";
}

/** The sentences that many rows share: of each, the state's word and how many rows. */
export function commonDetails(reports) {
  const counts = new Map();
  for (const { state, detail } of reports) {
    if (!detail || state === "disabled") continue;
    const said = `${state}\n${detail}`;
    counts.set(said, (counts.get(said) ?? 0) + 1);
  }
  return new Map([...counts].filter(([, rows]) => rows > COMMON));
}
