// The moments of the chart's axis, in the zone and the formats of the reader.

import { clock, day } from "../format.js";
import { reader } from "../page.js";

const DAY_S = 86_400;
const TICK_OF_A_DAY = 2; // what the library calls years, months and days: 0, 1, 2

const dates = new Intl.DateTimeFormat(reader.locale, {
  timeZone: reader.timezone,
  day: "numeric",
  month: "short",
});
const years = new Intl.DateTimeFormat(reader.locale, {
  timeZone: reader.timezone,
  month: "short",
  year: "numeric",
});
const hours = new Intl.DateTimeFormat("en-GB", {
  timeZone: reader.timezone,
  hour: "2-digit",
  minute: "2-digit",
});

/** How the axis of candles of `step` seconds is written. */
export function timesOf(step) {
  const isDaily = step >= DAY_S;
  return {
    label: (time) => spell(time, isDaily),
    // A day of candles begins at midnight UTC, which is another hour elsewhere.
    tick(time, kind) {
      const ms = time * 1_000;
      if (isDaily && kind < TICK_OF_A_DAY) return years.format(ms);
      if (isDaily) return dates.format(ms);
      if (kind > TICK_OF_A_DAY) return clock(ms);
      return hours.format(ms) === "00:00" ? dates.format(ms) : `${dates.format(ms)} ${clock(ms)}`;
    },
  };
}

function spell(time, isDaily) {
  const ms = time * 1_000;
  return isDaily ? day(ms) : `${day(ms)} ${clock(ms)}`;
}

/** From when to when a candle was open. */
export function span(time, step) {
  const from = spell(time, step >= DAY_S);
  return step >= DAY_S ? from : `${from}–${clock((time + step) * 1_000)}`;
}
