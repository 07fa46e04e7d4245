/* One way to call the API: JSON in, JSON out, and every failure a Problem. Nothing here knows about tokens or words. */

export const API = "/api/v1";

/** What RFC 9457 calls a problem, and the failures that never reached the API.
 *  @typedef {{loc: (string|number)[], msg: string, type: string}} Violation */
export class Problem extends Error {
  /** @param {{code: string, status?: number, title?: string, detail?: string, errors?: Violation[],
   *  traceId?: string, retryAfterS?: number|null}} about */
  constructor(about) {
    super(about.detail || about.title || about.code);
    this.name = "Problem";
    this.code = about.code;
    this.status = about.status ?? 0;
    this.title = about.title ?? "";
    this.detail = about.detail ?? "";
    /** @type {Violation[]} */
    this.errors = about.errors ?? [];
    this.traceId = about.traceId ?? "";
    /** @type {number|null} seconds to wait before the next try */
    this.retryAfterS = about.retryAfterS ?? null;
  }

  /** Whether the same request may well succeed later. */
  get isPassing() {
    return this.code === "network" || [429, 502, 503, 504].includes(this.status);
  }
}

/** Seconds out of Retry-After, which may be a number or a date. */
export function retryAfterSeconds(text, nowMs = Date.now()) {
  if (!text) return null;
  if (/^\d+$/.test(text.trim())) return Number(text);
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, Math.ceil((date - nowMs) / 1000));
}

/** @returns {Violation[]} what looks like one; a list from elsewhere may hold anything. */
function violationsOf(list) {
  if (!Array.isArray(list)) return [];
  return list
    .filter((item) => item && Array.isArray(item.loc))
    .map((item) => ({ loc: item.loc, msg: String(item.msg ?? ""), type: String(item.type ?? "") }));
}

async function bodyOf(response) {
  const type = response.headers.get("Content-Type") ?? "";
  if (!/\bjson\b/.test(type)) return null;
  try {
    return await response.json();
  } catch {
    return null;
  }
}

/** @param {Response} response @param {any} body */
function problemOf(response, body) {
  const known = body && typeof body === "object" ? body : {};
  return new Problem({
    code: typeof known.code === "string" ? known.code : `http-${response.status}`,
    status: response.status,
    title: String(known.title ?? response.statusText ?? ""),
    detail: String(known.detail ?? ""),
    errors: violationsOf(known.errors),
    traceId: String(known.trace_id ?? response.headers.get("X-Request-Id") ?? ""),
    retryAfterS: retryAfterSeconds(response.headers.get("Retry-After")),
  });
}

/** @param {Object<string, any>} [query] empty values are left out @returns {string} with the leading "?", or "" */
export function queryString(query) {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {}))
    if (value !== undefined && value !== null && value !== "") pairs.append(name, String(value));
  const text = pairs.toString();
  return text ? `?${text}` : "";
}

const answers = new EventTarget();
let lastId = "";

/** The X-Request-Id of the last answer, which is its trace's id; "" before there is one. */
export function lastAnswer() {
  return lastId;
}

/** @param {() => void} heard called at each answer @param {AbortSignal} signal */
export function onAnswer(heard, signal) {
  answers.addEventListener("answer", heard, { signal });
}

function note(response) {
  const id = response.headers.get("X-Request-Id");
  if (!id) return;
  lastId = id;
  answers.dispatchEvent(new Event("answer"));
}

/** Calls the API. Throws a Problem, or the AbortError when the signal fired.
 *  @param {string} method @param {string} path under /api/v1
 *  @param {{query?: Object, body?: any, token?: string, signal?: AbortSignal, asFile?: boolean, base?: string}} [options] a body that is
 *  a Blob goes as it is; asFile: the answer is wanted as a Blob; base: in the place of /api/v1
 *  @returns {Promise<{body: any, headers: Headers}>} the parsed body, or null when there is none */
export async function exchange(method, path, { query, body, token, signal, asFile, base = API } = {}) {
  const isFile = body instanceof Blob;
  const headers = { Accept: asFile ? "*/*" : "application/json" };
  if (body !== undefined) headers["Content-Type"] = isFile ? body.type || "application/octet-stream" : "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;

  let response;
  try {
    response = await fetch(base + path + queryString(query), {
      method,
      headers,
      body: body === undefined || isFile ? body : JSON.stringify(body),
      signal,
      credentials: "omit",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ code: "network", title: "No connection" });
  }
  note(response);
  if (asFile && response.ok) return { body: await response.blob(), headers: response.headers };
  const answer = await bodyOf(response);
  signal?.throwIfAborted();
  if (!response.ok) throw problemOf(response, answer);
  if (answer === null && response.status !== 204 && response.status !== 202)
    throw new Problem({
      code: "bad-answer",
      status: response.status,
      traceId: response.headers.get("X-Request-Id") ?? "",
    });
  return { body: answer, headers: response.headers };
}

/** The same, for those who want the body alone. @returns {Promise<any>} */
export async function call(method, path, options) {
  return (await exchange(method, path, options)).body;
}
