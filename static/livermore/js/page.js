// What the server says to every page: whose it is, and how its reader writes.

import { $ } from "./dom.js";

const meta = $('meta[name="livermore"]'); // not there for somebody signed out

export const sub = meta?.content ?? "";
export const commandAddress = meta?.dataset.command ?? "";
export const reader = {
  timezone: meta?.dataset.timezone ?? "UTC",
  locale: meta?.dataset.locale ?? "en-GB",
  dateFormat: meta?.dataset.dateFormat ?? "YYYY-MM-DD",
  timeFormat: meta?.dataset.timeFormat ?? "24h",
};

/** The token without which nothing is sent: every page has it in the form that signs out. */
export const token = () => $("#logout-form").elements.csrfmiddlewaretoken.value;
