// Keeps the chart current: closed candles as they are told, the forming one every few seconds, and
// older ones where somebody looks further back than the page brought.

import { ask } from "../api.js";
import { boot } from "../dom.js";
import { on } from "../live.js";
import { known } from "../runtime.js";
import { fromApi } from "./bars.js";

const SOON_MS = 300; // the candle is kept a moment after its indicators are told
const FORMING_MS = 1_000;
const NEWEST = 5;
const ALL = 500;
const OLDER = 300;

const { exchange, symbol, timeframe } = boot();
const market = { exchange, symbol, timeframe };
const isOurs = (event) => Object.keys(market).every((name) => event[name] === market[name]);

const candles = (query) => ask("GET", "/api/candles", { query: { ...market, ...query } });

/** Bars as the server keeps them, and what it says of them; or what went wrong. */
async function read(query) {
  const [told, indicators] = await Promise.all([
    candles(query),
    ask("GET", "/api/indicators", { query: { ...market, ...query } }),
  ]);
  if (!told.ok || !indicators.ok) return { trouble: told.message || indicators.message };
  const { candles: closed, note = "" } = told.body;
  return { bars: fromApi(closed, indicators.body.points), forming: growing(told.body), note };
}

const growing = ({ forming }) => forming && fromApi([forming], [])[0];

/**
 * Follow the market. `take({bars, forming, note})` gets what is new, `told(signal)` each signal of the
 * user, `fail(text)` what keeps the chart from being current ("" when nothing does any more).
 */
export function follow({ take, told, fail, newestTime }) {
  let isBusy = false;

  /** What has closed since, with its indicators: a few bars, or all where more are missing. */
  async function closed(limit = NEWEST) {
    const answer = await read({ limit });
    const [first] = answer.bars ?? [];
    if (limit === NEWEST && first && first.time > newestTime()) return closed(ALL);
    return answer;
  }

  /** Only the forming candle, unless another has closed. */
  async function look() {
    const told = await candles({ limit: 1 });
    if (!told.ok) return { trouble: told.message };
    const [newest] = told.body.candles;
    if (newest && Date.parse(newest.openedAt) / 1_000 > newestTime()) return closed();
    return { bars: [], forming: growing(told.body), note: told.body.note ?? "" };
  }

  async function refresh(how = look) {
    if (isBusy || document.hidden) return;
    isBusy = true;
    const answer = await how();
    isBusy = false;
    fail(answer.trouble ? `Not current: ${answer.trouble}` : "");
    if (!answer.trouble) take(answer);
  }

  on("indicator", (event) => isOurs(event) && setTimeout(() => refresh(closed), SOON_MS));
  on("signal", (event) => isOurs(event) && told(event));
  on("link", () => known.socket === "open" && refresh(closed));
  addEventListener("visibilitychange", () => refresh());
  setInterval(() => refresh(), FORMING_MS);
}

/** Bars that opened before a time (unix seconds), oldest first; none where nothing older is kept. */
export async function older(time) {
  const { bars } = await read({ limit: OLDER, before: new Date(time * 1_000).toISOString() });
  return bars ?? [];
}
