/* The list of traces with its filters, and their durations over time. */
import { debounce, fill, h, s } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { operations, search, services } from "./api.js";
import { clock, colourOf, duration } from "./format.js";
import { shortName, traceOf } from "./model.js";
import { go, href, route } from "./route.js";

/** @typedef {import("./model.js").Trace} Trace */

const MINIMA = ["10ms", "50ms", "100ms", "500ms", "1s", "5s"];
const TYPING_MS = 250;
const STEP = 50;
const LIMIT_MAX = 500;
const CHART = { width: 1000, height: 120, pad: 8 };

function field(label, control) {
  return h("label", { class: "filter" }, h("span", { class: "filter-name" }, label), control);
}

function choice(name, values, empty, on) {
  const now = route()[name];
  const all = now && !values.some(([value]) => value === now) ? [...values, [now, now]] : values;
  return h(
    "select",
    { name, value: now, on: { change: (event) => on(event.target.value) } },
    h("option", { value: "" }, empty),
    all.map(([value, text]) => h("option", { value }, text)),
  );
}

function minimumText(text) {
  return duration(Number.parseFloat(text) * (text.endsWith("ms") ? 1e3 : 1e6));
}

/** @param {AbortSignal} signal */
export function filterBar(signal) {
  const bar = h("form", {
    class: "filters",
    role: "search",
    "aria-label": t("filter.label"),
    on: { submit: (event) => event.preventDefault() },
  });
  const type = debounce((text) => go({ text: text.trim(), limit: "" }, { replace: true }), TYPING_MS);
  const text = h("input", {
    type: "search",
    name: "text",
    value: route().text,
    placeholder: t("filter.text_hint"),
    maxlength: 200,
    autocomplete: "off",
    spellcheck: "false",
    on: { input: () => type(text.value) },
  });
  signal.addEventListener("abort", type.cancel);

  function build(names, ofService) {
    fill(
      bar,
      field(
        t("filter.service"),
        choice("service", names.map((name) => [name, shortName(name)]), t("filter.any"), (service) =>
          go({ service, operation: "", limit: "" }),
        ),
      ),
      field(
        t("filter.operation"),
        choice("operation", ofService.map((name) => [name, name]), t("filter.any"), (operation) => go({ operation, limit: "" })),
      ),
      field(
        t("filter.status"),
        choice("status", [["error", t("filter.failed")]], t("filter.any"), (status) => go({ status, limit: "" })),
      ),
      field(
        t("filter.min"),
        choice("min", MINIMA.map((value) => [value, minimumText(value)]), t("filter.any_time"), (min) => go({ min, limit: "" })),
      ),
      field(t("filter.text"), text),
      h(
        "button",
        {
          type: "button",
          class: "button button-quiet filter-reset",
          on: {
            click: () => {
              type.cancel();
              text.value = "";
              go({ service: "", operation: "", status: "", min: "", text: "", limit: "" });
            },
          },
        },
        t("filter.reset"),
      ),
    );
    bar.querySelector("select[name=operation]").disabled = !route().service;
  }
  build([], []);
  let known = "";
  return {
    element: bar,
    /** Names that are new; the place one is typing in stays. */
    async refresh() {
      const { service, operation, status, min } = route();
      const names = await services(signal);
      const ofService = service ? await operations(service, signal) : [];
      const next = JSON.stringify([names, ofService, service, operation, status, min]);
      if (next === known) return;
      known = next;
      const active = document.activeElement?.getAttribute("name");
      build(names, ofService);
      if (active) bar.querySelector(`[name="${active}"]`)?.focus();
    },
  };
}

/* ---- the chart ---- */

function chart(traces) {
  const { width, height, pad } = CHART;
  const first = Math.min(...traces.map((one) => one.start));
  const span = Math.max(...traces.map((one) => one.start)) - first || 1;
  const logs = traces.map((one) => Math.log10(Math.max(one.duration, 100)));
  const low = Math.floor(Math.min(...logs));
  const high = Math.max(Math.ceil(Math.max(...logs)), low + 1);
  const x = (one) => 56 + ((one.start - first) / span) * (width - 56 - 2 * pad) + pad;
  const y = (log) => height - pad - ((log - low) / (high - low)) * (height - 2 * pad);
  const lines = [];
  for (let power = low; power <= high; power++)
    lines.push(
      s("line", { class: "chart-line", x1: 56, x2: width, y1: y(power), y2: y(power) }),
      s("text", { class: "chart-text", x: 48, y: y(power) + 4 }, duration(10 ** power)),
    );
  return s(
    "svg",
    { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": t("list.chart") },
    lines,
    traces.map((one, i) =>
      s(
        "a",
        { href: href({ trace: one.id }), "data-route": "", tabindex: -1, "aria-hidden": "true" },
        s("circle", {
          class: `dot ${colourOf(one.root.service)}${one.errors ? " dot-error" : ""}`,
          cx: x(one),
          cy: y(logs[i]),
          r: Math.min(4 + Math.sqrt(one.spans.length) / 2, 10),
        }),
        s("title", {}, `${one.root.operation} · ${duration(one.duration)}`),
      ),
    ),
  );
}

/* ---- the rows ---- */

function row(one, longest) {
  return h(
    "li",
    { class: "trace" },
    h(
      "a",
      { class: "trace-link", href: href({ trace: one.id }), data: { route: "" } },
      h(
        "span",
        { class: "trace-name" },
        h("span", { class: `service ${colourOf(one.root.service)}` }, shortName(one.root.service)),
        h("strong", {}, one.root.operation),
        one.errors > 0 && h("span", { class: "chip chip-bad" }, t("list.failed", { n: one.errors })),
      ),
      h("span", { class: "trace-duration" }, duration(one.duration)),
      h(
        "span",
        { class: "trace-bar", "aria-hidden": "true" },
        h("span", {
          class: `trace-bar-in ${colourOf(one.root.service)}`,
          css: { "--width": `${Math.max((one.duration / longest) * 100, 0.4)}%` },
        }),
      ),
      h(
        "span",
        { class: "trace-facts" },
        h("time", {}, clock(one.start)),
        h("span", {}, t("list.spans", { n: one.spans.length })),
        one.services.map((name) => h("span", { class: `dot-name ${colourOf(name)}` }, shortName(name))),
        h("span", { class: "mono trace-id" }, one.id.slice(0, 8)),
      ),
    ),
  );
}

function nothing() {
  const now = route();
  const isFiltered = now.service || now.operation || now.status || now.min || now.text;
  return h(
    "div",
    { class: "empty" },
    h("h2", {}, t("list.none")),
    h("p", {}, t(isFiltered ? "list.none_filtered" : "list.none_yet")),
  );
}

/** @param {AbortSignal} signal */
export function listView(signal) {
  const filters = filterBar(signal);
  const picture = h("div", { class: "chart-frame" });
  const count = h("p", { class: "muted count", role: "status" });
  const rows = h("ol", { class: "traces" });
  const foot = h("div", { class: "list-foot" });
  let shown = "";

  async function refresh() {
    const now = route();
    const [answer] = await Promise.all([search(now, signal), filters.refresh()]);
    const key = JSON.stringify([answer.total, answer.data.map((one) => [one.traceID, one.spans.length])]);
    if (key === shown) return;
    shown = key;
    const traces = answer.data.map(traceOf);
    const longest = Math.max(...traces.map((one) => one.duration), 1);
    const active = document.activeElement?.getAttribute("href");
    fill(count, traces.length ? t("list.shown", { n: traces.length, total: answer.total }) : "");
    fill(picture, traces.length > 1 && chart(traces));
    fill(rows, traces.length ? traces.map((one) => row(one, longest)) : h("li", {}, nothing()));
    if (active) rows.querySelector(`a[href="${CSS.escape(active)}"]`)?.focus();
    const isMore = answer.total > traces.length && traces.length < LIMIT_MAX;
    fill(
      foot,
      isMore &&
        h(
          "button",
          {
            type: "button",
            class: "button",
            on: { click: () => go({ limit: String((Number(now.limit) || STEP) + STEP) }, { replace: true }) },
          },
          t("list.more"),
        ),
    );
  }
  return {
    element: h("div", { class: "list" }, h("h1", { class: "visually-hidden" }, t("list.heading")), filters.element, picture, count, rows, foot),
    refresh,
  };
}
