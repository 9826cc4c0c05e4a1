// The HTTP API, asked by a page with the cookie of its user.

import { token } from "./page.js";

const SAFE = new Set(["GET", "HEAD"]);

/**
 * Ask the API: `ask("PATCH", "/api/settings", { body, headers })`.
 *
 * @param {object} [options]
 * @param {*} [options.body] Sent as JSON; a string, a Blob or FormData as it is.
 * @param {object} [options.query] Parameters; null and undefined leave one out, a list repeats it.
 * @param {string} [options.type] The content type where it is not plain JSON.
 * @param {AbortSignal} [options.signal] Ends the question; that throws an AbortError.
 *
 * Resolves to {ok, status, body, headers, message, errors}: `message` says what went wrong in a
 * sentence, `errors` are the problem's own, by field. Status 0: the server did not answer.
 */
export async function ask(method, path, options = {}) {
  const { body, query = {}, headers = {}, type, signal } = options;
  let response;
  try {
    response = await fetch(addressed(path, query), {
      method,
      headers: { ...standard(method, body, type), ...headers },
      body: encoded(body),
      redirect: "manual",
      cache: "no-store",
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return failed(0, "The server could not be reached. Nothing was changed.");
  }
  if (response.type === "opaqueredirect" || response.status === 401) {
    return failed(401, "You are signed out. Sign in again in another tab, then try again.");
  }
  return await answered(response);
}

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
  const headers = { Accept: "application/json" };
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
