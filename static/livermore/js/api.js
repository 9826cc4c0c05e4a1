// The HTTP API, asked by a page with the cookie of its user.

import { ofThisPage, renew, token } from "./page.js";

const SAFE = new Set(["GET", "HEAD"]);
const PATIENCE_MS = { reading: 30_000, changing: 120_000 }; // a line may end without a word of it
const UNREACHABLE = "The server could not be reached.";
const SIGNED_OUT = "You are signed out. Sign in again in another tab, then try again.";

/**
 * Ask the API: `ask("PATCH", "/api/settings", { body, headers })`.
 *
 * @param {object} [options]
 * @param {*} [options.body] Sent as JSON; a string, a Blob or FormData as it is.
 * @param {object} [options.query] Parameters; null and undefined leave one out, a list repeats it.
 * @param {string} [options.type] The content type where it is not plain JSON.
 * @param {boolean} [options.changes] Whether it may change anything; any but a GET may.
 * @param {AbortSignal} [options.signal] Ends the question; that throws an AbortError.
 *
 * Resolves to {ok, status, body, headers, message, errors}: `message` says what went wrong in a
 * sentence, `errors` are the problem's own, by field. Status 0: the server did not answer; then
 * `isUnknown` says whether what was asked for may have been done all the same.
 */
export async function ask(method, path, options = {}) {
  const answer = await askOnce(method, path, options);
  if (!answer.body?.type?.endsWith("csrf-failed")) return answer;
  // A later sign-in has another token: of the same person, it is theirs to go on with.
  const whose = await renew();
  if (whose === "other") return failed(401, SIGNED_OUT);
  return whose === "same" ? askOnce(method, path, options) : answer;
}

async function askOnce(method, path, options) {
  const { body, query = {}, headers = {}, type, changes = !SAFE.has(method), signal } = options;
  const isOffline = !navigator.onLine; // then nothing is sent at all
  const patience = AbortSignal.timeout(changes ? PATIENCE_MS.changing : PATIENCE_MS.reading);
  try {
    const response = await fetch(addressed(path, query), {
      method,
      headers: { ...standard(method, body, type), ...headers },
      body: encoded(body),
      redirect: "manual",
      cache: "no-store",
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
    });
    if (response.type === "opaqueredirect" || response.status === 401) return failed(401, SIGNED_OUT);
    return await answered(response);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (!changes) return failed(0, UNREACHABLE);
    if (isOffline) return failed(0, `${UNREACHABLE} Nothing was changed.`);
    // The request may have arrived of which the answer did not.
    const hint = "Whether this was done is not known: reload the page to see.";
    return { ...failed(0, `The server did not answer. ${hint}`), isUnknown: true };
  }
}

/** What to call what was not done, or may have been. */
export const notDone = ({ isUnknown }, title) => (isUnknown ? "No answer" : title);

function addressed(path, query) {
  const url = new URL(path, location.href);
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) {
      if (one !== null && one !== undefined) url.searchParams.append(name, one);
    }
  }
  return url;
}

const isRaw = (body) =>
  typeof body === "string" || body instanceof Blob || body instanceof FormData;

const encoded = (body) => (body === undefined || isRaw(body) ? body : JSON.stringify(body));

function standard(method, body, type) {
  const headers = { Accept: "application/json", ...ofThisPage };
  if (!SAFE.has(method)) headers["X-CSRFToken"] = token();
  if (body !== undefined && !(body instanceof FormData)) {
    headers["Content-Type"] = type ?? "application/json";
  }
  return headers;
}

async function answered(response) {
  const { ok, status, headers } = response;
  const isJson = /[/+]json/.test(headers.get("Content-Type") ?? "");
  const body = isJson ? await response.json() : await response.text();
  if (ok) return { ok, status, body, headers, message: "", errors: [] };
  if (!isJson) return failed(status, `The server answered ${status}. Try again.`);
  const message = body.detail ?? body.title ?? `The server answered ${status}.`;
  return { ok, status, body, headers, message, errors: body.errors ?? [] };
}

const failed = (status, message) => ({
  ok: false,
  status,
  body: null,
  headers: new Headers(),
  message,
  errors: [],
});
