// Numbers, ages and zones. U+2212 is the minus sign: as wide as the plus.

import { reader } from "./page.js";

export const MINUS = "\u2212";

export function signed(value, digits = 0) {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return (value > 0 ? "+" : MINUS) + text;
}

/** A signal's detail with the minus sign before its numbers. */
export const typeset = (detail) => detail.replace(/(?<![\w.])-(?=\d)/g, MINUS);

const formats = new Map(); // making one costs more than using it a hundred times

function written(value, options) {
  const key = JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat("en-GB", options));
  return formats.get(key).format(Number(value));
}

/** A quantity: thousands set apart, and no more than eight decimals of it. */
export const amount = (value) => written(value, { maximumFractionDigits: 8 });

/** A price: two to four decimals, and of one below 1 the first four figures. */
export function price(value) {
  const size = Math.abs(Number(value));
  if (size < 1) return written(value, { maximumSignificantDigits: 4 });
  return written(value, { minimumFractionDigits: 2, maximumFractionDigits: size >= 1_000 ? 2 : 4 });
}

/** A gain or a loss, with its sign. */
export function percent(value) {
  const text = written(Math.abs(value), { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const sign = text === "0.0" ? "" : value > 0 ? "+" : MINUS;
  return `${sign}${text} %`;
}

const whole = new Intl.NumberFormat("en-GB");

export const count = (number) => whole.format(number);

export const plural = (number, one, many = `${one}s`) =>
  `${count(number)} ${number === 1 ? one : many}`;

/** The heat step of a MACD-V value, "-4" to "4"; "n" where there is no value yet. */
export function zone(value) {
  if (value === null || value === undefined) return "n";
  const size = Math.abs(value);
  const step = [50, 100, 150, 250].filter((bound) => size >= bound).length;
  return String(value < 0 && step ? -step : step);
}

/** The heat step of a gauge, which runs from 0 to 100: 60 is a first step, 70 a second, 80 a third. */
export const gaugeZone = (value) => zone((value - 50) * 5);

export function age(ms) {
  const seconds = Math.max(0, ms / 1000);
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

const two = (number) => String(number).padStart(2, "0");

export function uptime(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor(seconds / 3_600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  return `${days ? `${days} d ` : ""}${two(hours)}:${two(minutes)}:${two(seconds % 60)}`;
}

export function took(ms) {
  if (ms === null || ms === undefined) return "–";
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** A round trip; what is below a millisecond is not nothing. */
export const roundTrip = (ms) => (ms < 1 ? "< 1 ms" : `${Math.round(ms)} ms`);

// Moments in the zone and the formats of the reader; the server writes them alike.
const isTwelve = reader.timeFormat === "12h";
const figures = new Intl.DateTimeFormat("en-US", {
  timeZone: reader.timezone,
  calendar: "gregory",
  numberingSystem: "latn",
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: isTwelve ? "numeric" : "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: isTwelve ? "h12" : "h23",
});
const monthName = new Intl.DateTimeFormat(reader.locale, {
  timeZone: reader.timezone,
  month: "short",
});

const parts = (ms) =>
  Object.fromEntries(figures.formatToParts(ms).map(({ type, value }) => [type, value]));

/** The time of day, to the minute. */
export function clock(ms) {
  const { hour, minute, dayPeriod } = parts(ms);
  return isTwelve ? `${hour}:${minute} ${dayPeriod}` : `${hour}:${minute}`;
}

/** The time of day, to the second. */
export function time(ms) {
  const { hour, minute, second, dayPeriod } = parts(ms);
  return isTwelve ? `${hour}:${minute}:${second} ${dayPeriod}` : `${hour}:${minute}:${second}`;
}

/** The date. */
export function day(ms) {
  const { year, month, day: date } = parts(ms);
  switch (reader.dateFormat) {
    case "DD.MM.YYYY":
      return `${date}.${month}.${year}`;
    case "DD/MM/YYYY":
      return `${date}/${month}/${year}`;
    case "MM/DD/YYYY":
      return `${month}/${date}/${year}`;
    case "D MMM YYYY":
      return `${Number(date)} ${monthName.format(ms)} ${year}`;
    default:
      return `${year}-${month}-${date}`;
  }
}

/** Date and time of day; today's date goes without saying. */
export const moment = (ms) => (day(ms) === day(Date.now()) ? clock(ms) : `${day(ms)} ${clock(ms)}`);

/** A symbol as the lists show it: the usual quote currency goes without saying. */
export const short = (symbol) => symbol.replace(/-USD$/, "");

/** The exchange of a market whose name several may have: of the usual ones it goes without saying. */
export const elsewhere = ({ symbol, exchange }) => (short(symbol) === symbol ? exchange : "");
