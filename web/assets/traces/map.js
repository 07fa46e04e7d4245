/* The map of the services: columns from who is called by nobody to who calls nobody, an arrow a kind of call. */
import { fill, h, s } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { map } from "./api.js";
import { clock, colourOf, duration, percent, rate } from "./format.js";
import { shortName } from "./model.js";
import { href } from "./route.js";

const PERIODS = ["5m", "15m", "1h", "6h", "24h"];
const NODE = { width: 190, height: 76, way: 16, gapX: 150, gapY: 34, pad: 14 };

function periodText(text) {
  return new Intl.NumberFormat(document.documentElement.lang, {
    style: "unit",
    unit: text.endsWith("m") ? "minute" : "hour",
    unitDisplay: "long",
  }).format(Number.parseInt(text, 10));
}

/** The column of each: one right of the rightmost of its callers. A circle of calls ends after as many steps as there are. */
function columnsOf(services, calls) {
  const column = new Map(services.map((one) => [one.name, 0]));
  for (let step = 0; step < services.length; step++) {
    let isSettled = true;
    for (const call of calls) {
      if (call.parent === call.child || column.get(call.child) > column.get(call.parent)) continue;
      if (column.get(call.parent) + 1 >= services.length) continue;
      column.set(call.child, column.get(call.parent) + 1);
      isSettled = false;
    }
    if (isSettled) break;
  }
  return column;
}

const isDrawn = (call) => call.parent !== call.child;

/** Where a call passes a column that is neither its caller's nor its callee's. */
const wayOf = (call, column) => `${call.parent} ${call.child} ${column}`;

/** The columns from the left: boxes, the busiest first, then the ways of calls that pass between them (Sugiyama's layers). */
function fillColumns(services, calls) {
  const column = columnsOf(services, calls);
  const columns = [];
  for (const one of services) (columns[column.get(one.name)] ??= []).push({ key: one.name, height: NODE.height, requests: one.requests });
  for (const list of columns) list?.sort((a, b) => b.requests - a.requests);
  for (const call of calls.filter(isDrawn)) {
    const [first, last] = [column.get(call.parent), column.get(call.child)].sort((a, b) => a - b);
    for (let at = first + 1; at < last; at++) columns[at]?.push({ key: wayOf(call, at), height: NODE.way });
  }
  return columns;
}

/** @returns {{places: Map<string, {x: number, y: number, column: number}>, width: number, height: number}} */
function layout(services, calls) {
  const columns = fillColumns(services, calls);
  const filled = [...columns.entries()].filter(([, list]) => list);
  const heightOf = (list) => list.reduce((sum, one) => sum + one.height + NODE.gapY, -NODE.gapY);
  const height = Math.max(...filled.map(([, list]) => heightOf(list))) + 2 * NODE.pad;
  const places = new Map();
  filled.forEach(([column, list], x) => {
    let y = (height - heightOf(list)) / 2;
    for (const one of list) {
      places.set(one.key, { x: NODE.pad + x * (NODE.width + NODE.gapX), y, column });
      y += one.height + NODE.gapY;
    }
  });
  return { places, height, width: filled.length * (NODE.width + NODE.gapX) - NODE.gapX + 2 * NODE.pad };
}

function curve([x1, y1], [x2, y2]) {
  const bend = (x2 - x1) / 2;
  return `C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

/** From column to column, past the boxes between: its path, and the middle of its first piece, where there is room for words.
 * Calls to the right keep to the upper half of boxes, those to the left to the lower. */
function pathAcross(call, from, to, places) {
  const step = Math.sign(to.column - from.column);
  const y = NODE.height * (step > 0 ? 0.4 : 0.7);
  const enter = (place) => (step > 0 ? place.x : place.x + NODE.width);
  const leave = (place) => (step > 0 ? place.x + NODE.width : place.x);
  const end = [enter(to) - 4 * step, to.y + y];
  let at = [leave(from), from.y + y];
  let path = `M${at.join(" ")} `;
  let words = null;
  const goTo = (next) => {
    path += curve(at, next);
    words ??= [(at[0] + next[0]) / 2, (at[1] + next[1]) / 2 - 8];
  };
  for (let column = from.column + step; column !== to.column; column += step) {
    const way = places.get(wayOf(call, column));
    if (!way) continue;
    goTo([enter(way), way.y + NODE.way / 2]);
    at = [leave(way), way.y + NODE.way / 2];
    path += ` H${at[0]} `;
  }
  goTo(end);
  return { path, words };
}

/** Within a column, through the room on its right. */
function pathWithin(from, to) {
  const [x, y1, y2] = [from.x + NODE.width, from.y + NODE.height / 2, to.y + NODE.height / 2];
  return { path: `M${x} ${y1} C${x + 60} ${y1} ${x + 60} ${y2} ${x + 4} ${y2}`, words: [x + NODE.gapX / 2, (y1 + y2) / 2] };
}

function arrow(call, places, most) {
  const from = places.get(call.parent);
  const to = places.get(call.child);
  if (!from || !to) return null;
  const { path, words } = to.column === from.column ? pathWithin(from, to) : pathAcross(call, from, to, places);
  return [
    s("path", {
      class: call.errors > 0 ? "arrow arrow-bad" : "arrow",
      d: path,
      "stroke-width": 1.5 + 4 * Math.sqrt(call.calls / most),
      "marker-end": "url(#head)",
    }),
    s("text", { class: "arrow-words", x: words[0], y: words[1] }, `${rate(call.rate)}/s · p95 ${duration(call.p95)}`),
  ];
}

function node(one, { x, y }) {
  const words =
    one.kind === "service" || one.requests > 0
      ? [`${rate(one.rate)}/s · p50 ${duration(one.p50)}`, `p95 ${duration(one.p95)}`]
      : [t(`map.kind_${one.kind}`)];
  if (one.errors > 0) words[1] = `${words[1] ?? ""} · ${percent(one.errors / one.requests)} ${t("map.errors").toLowerCase()}`;
  return s(
    "g",
    { class: `node node-${one.kind} ${one.kind === "service" ? colourOf(one.name) : ""}`, transform: `translate(${x} ${y})` },
    s("rect", { width: NODE.width, height: NODE.height, rx: one.kind === "service" ? 12 : 3 }),
    s("rect", { class: "node-side", width: 6, height: NODE.height - 20, x: 8, y: 10, rx: 3 }),
    s("text", { class: "node-name", x: 24, y: 24 }, shortName(one.name).slice(0, 22)),
    words.map((text, i) => s("text", { class: "node-words", x: 24, y: 44 + i * 18 }, text)),
  );
}

function picture({ services, calls }) {
  const { places, width, height } = layout(services, calls);
  const most = Math.max(...calls.map((call) => call.calls), 1);
  return s(
    "svg",
    { class: "map", viewBox: `0 0 ${width} ${height}`, width, role: "img", "aria-label": t("map.picture") },
    s(
      "defs",
      {},
      s(
        "marker",
        { id: "head", viewBox: "0 0 8 8", refX: 6, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto" },
        s("path", { class: "arrow-head", d: "M0 0 8 4 0 8z" }),
      ),
    ),
    calls.filter(isDrawn).map((call) => arrow(call, places, most)),
    services.map((one) => node(one, places.get(one.name))),
  );
}

function numbers(one, count) {
  return [
    h("td", {}, count),
    h("td", {}, rate(one.rate)),
    h("td", { class: one.errors > 0 ? "bad" : null }, one.errors > 0 ? `${one.errors} (${percent(one.errors / Math.max(count, 1))})` : "0"),
    [one.p50, one.p95, one.p99].map((us) => h("td", {}, count > 0 ? duration(us) : "—")),
  ];
}

function heads(...names) {
  const all = [...names, t("map.requests"), t("map.rate"), t("map.errors"), "p50", "p95", "p99"];
  return h("thead", {}, h("tr", {}, all.map((name) => h("th", { scope: "col" }, name))));
}

function name(one) {
  if (one.kind !== "service") return [shortName(one.name), " ", h("span", { class: "muted" }, t(`map.kind_${one.kind}`))];
  const to = href({ view: "", service: one.name, operation: "" });
  return h("a", { class: `dot-name ${colourOf(one.name)}`, href: to, data: { route: "" } }, shortName(one.name));
}

function tables({ services, calls }) {
  return [
    h("h2", {}, t("map.services")),
    h(
      "div",
      { class: "table-frame" },
      h(
        "table",
        { class: "numbers" },
        heads(t("map.name")),
        h("tbody", {}, services.map((one) => h("tr", {}, h("th", { scope: "row" }, name(one)), numbers(one, one.requests)))),
      ),
    ),
    h("h2", {}, t("map.calls")),
    h(
      "div",
      { class: "table-frame" },
      h(
        "table",
        { class: "numbers" },
        heads(t("map.from"), t("map.to")),
        h(
          "tbody",
          {},
          calls.map((one) =>
            h("tr", {}, h("th", { scope: "row" }, shortName(one.parent)), h("th", { scope: "row" }, shortName(one.child)), numbers(one, one.calls)),
          ),
        ),
      ),
    ),
  ];
}

/** @param {AbortSignal} signal */
export function mapView(signal) {
  const body = h("div", {});
  const since = h("p", { class: "muted", role: "status" });
  const period = h(
    "select",
    { name: "lookback", value: "1h", on: { change: () => refresh() } },
    PERIODS.map((one) => h("option", { value: one }, periodText(one))),
  );
  let shown = "";

  async function refresh() {
    const answer = await map(period.value, signal);
    const key = JSON.stringify([answer.services, answer.calls]);
    fill(since, answer.services.length > 0 && t("map.since", { time: clock(answer.start) }));
    if (key === shown) return;
    shown = key;
    answer.services.sort((a, b) => b.requests - a.requests || a.name.localeCompare(b.name));
    answer.calls.sort((a, b) => b.calls - a.calls);
    const active = body.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    if (answer.services.length === 0) fill(body, h("div", { class: "empty" }, h("p", {}, t("map.none"))));
    else fill(body, h("div", { class: "map-frame", tabindex: 0 }, picture(answer)), tables(answer));
    if (active) body.querySelector(`a[href="${CSS.escape(active)}"]`)?.focus({ preventScroll: true });
  }
  return {
    element: h(
      "div",
      { class: "map-view" },
      h("h1", { class: "visually-hidden" }, t("map.heading")),
      h("div", { class: "filters" }, h("label", { class: "filter" }, h("span", { class: "filter-name" }, t("map.lookback")), period), since),
      body,
    ),
    refresh,
  };
}
