/* What the page asks the collector, in Jaeger's words. */
import { call } from "../common/api.js";

const base = "/traces/api";

async function data(path, query, signal) {
  return (await call("GET", path, { base, query, signal })).data;
}

/** @returns {Promise<string[]>} */
export function services(signal) {
  return data("/services", {}, signal);
}

/** @returns {Promise<string[]>} */
export function operations(service, signal) {
  return data(`/services/${encodeURIComponent(service)}/operations`, {}, signal);
}

/** @param {import("./route.js").Route} now @returns {Promise<{data: any[], total: number}>} */
export function search(now, signal) {
  const query = {
    service: now.service,
    operation: now.service ? now.operation : "",
    text: now.text,
    minDuration: now.min,
    tags: now.status === "error" ? '{"error":"true"}' : "",
    limit: now.limit || 50,
  };
  return call("GET", "/traces", { base, query, signal });
}

export async function trace(id, signal) {
  return (await data(`/traces/${id}`, {}, signal))[0];
}

/** @param {string} lookback "15m" */
export function map(lookback, signal) {
  return call("GET", "/map", { base, query: { lookback }, signal });
}
