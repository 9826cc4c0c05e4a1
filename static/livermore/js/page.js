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

const field = (root = document) => $("#logout-form", root)?.elements.csrfmiddlewaretoken;

/** With every request: where another person is signed in by now, it is not theirs. */
export const ofThisPage = sub ? { "Livermore-User": sub } : {};

/** The token without which nothing is sent: every page has it in the form that signs out. */
export const token = () => field().value;

/**
 * Ask who is signed in by now: "same" (and whose token is taken over: each sign-in has another),
 * "other" (another person, or nobody), "unknown" (the server does not say).
 */
export async function renew() {
  try {
    const response = await fetch(location.href, { redirect: "manual", cache: "no-store" });
    if (response.type === "opaqueredirect") return "other"; // to the sign-in
    if (!response.ok) return "unknown";
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if ($('meta[name="livermore"]', page)?.content !== sub) return "other";
    for (const one of document.querySelectorAll('input[name="csrfmiddlewaretoken"]')) {
      one.value = field(page).value;
    }
    return "same";
  } catch {
    return "unknown"; // the server is away, which is something else
  }
}
