/* One trace: what it was, where its time went, and its waterfall. */
import { fill, h } from "../common/dom.js";
import { icon } from "../common/icons.js";
import { t } from "../common/i18n.js";
import { trace } from "./api.js";
import { clock, colourOf, duration, percent } from "./format.js";
import { criticalByService, shortName, traceOf } from "./model.js";
import { href, route } from "./route.js";
import { waterfall } from "./waterfall.js";

/** @typedef {import("./model.js").Trace} Trace */

/* Spans of one trace come from several services, and some later than others. */
const SETTLED_US = 15_000_000;

function copyButton(text) {
  const words = h("span", {}, t("trace.copy"));
  return h(
    "button",
    {
      type: "button",
      class: "icon-button copy",
      title: t("trace.copy"),
      on: {
        click: async () => {
          await navigator.clipboard?.writeText(text);
          fill(words, t("trace.copied"));
        },
      },
    },
    icon("copy"),
    h("span", { class: "visually-hidden", role: "status" }, words),
  );
}

function fact(name, ...value) {
  return h("div", { class: "fact" }, h("dt", {}, name), h("dd", {}, value));
}

function facts(one) {
  return h(
    "dl",
    { class: "facts" },
    fact(t("trace.duration"), h("strong", {}, duration(one.duration))),
    fact(t("trace.started"), clock(one.start)),
    fact(t("trace.spans"), one.spans.length),
    fact(t("trace.services"), one.services.length),
    fact(t("trace.id"), h("code", { class: "id" }, one.id), copyButton(one.id)),
    fact(t("trace.logs"), h("code", { class: "id" }, `./cinesync logs | grep ${one.id.slice(0, 8)}`)),
  );
}

/** The critical path, a strip with a piece for each service. */
function criticalStrip(one) {
  const parts = criticalByService(one);
  const total = parts.reduce((sum, part) => sum + part.time, 0);
  if (total === 0) return null;
  return h(
    "section",
    { class: "critical", "aria-labelledby": "critical-title" },
    h("h2", { id: "critical-title" }, t("trace.critical")),
    h("p", { class: "muted" }, t("trace.critical_text")),
    h(
      "div",
      { class: "strip", "aria-hidden": "true" },
      parts.map((part) =>
        h("span", { class: colourOf(part.service), title: shortName(part.service), css: { "--share": part.time / total } }),
      ),
    ),
    h(
      "ul",
      { class: "strip-names" },
      parts.map((part) =>
        h(
          "li",
          { class: `dot-name ${colourOf(part.service)}` },
          shortName(part.service),
          " ",
          h("strong", {}, duration(part.time)),
          ` ${percent(part.time / total)}`,
        ),
      ),
    ),
  );
}

/** @param {Trace} one */
function whole(one) {
  const view = waterfall(one);
  const firstError = one.spans.find((span) => span.isError);
  return [
    h(
      "header",
      { class: "trace-head" },
      h("a", { class: "back", href: href({ trace: "" }), data: { route: "" } }, "← ", t("trace.back")),
      h(
        "h1",
        { tabindex: -1 },
        h("span", { class: `service ${colourOf(one.root.service)}` }, shortName(one.root.service)),
        " ",
        one.root.operation,
      ),
      firstError &&
        h(
          "button",
          { type: "button", class: "chip chip-bad chip-button", on: { click: () => view.show(firstError) } },
          t("trace.errors", { n: one.errors }),
        ),
      facts(one),
      one.warnings.map((text) => h("p", { class: "warning" }, text)),
    ),
    criticalStrip(one),
    view.element,
    h(
      "p",
      { class: "muted" },
      h("a", { href: `/traces/api/traces/${one.id}` }, t("trace.json")),
    ),
  ];
}

function gone() {
  return h(
    "div",
    { class: "empty" },
    h("h1", {}, t("trace.gone")),
    h("p", { class: "mono" }, route().trace),
    h("p", {}, t("trace.gone_text")),
    h("p", {}, h("a", { class: "button", href: href({ trace: "" }), data: { route: "" } }, t("trace.back"))),
  );
}

/** @param {AbortSignal} signal */
export function traceView(signal) {
  const element = h("div", { class: "one" });
  const { trace: id } = route();
  let spans = -1;
  return {
    element,
    async refresh() {
      let raw;
      try {
        raw = await trace(id, signal);
      } catch (error) {
        if (error.status !== 404) throw error;
        if (spans < 0) fill(element, gone());
        return;
      }
      if (raw.spans.length === spans) return;
      const one = traceOf(raw);
      /* Who reads is not interrupted by a span that comes an hour later. */
      if (spans >= 0 && Date.now() * 1000 - one.start > SETTLED_US) return;
      const isFirst = spans < 0;
      spans = raw.spans.length;
      fill(element, whole(one));
      document.title = `${one.root.operation} — ${t("app.title")}`;
      if (isFirst) element.querySelector("h1")?.focus({ preventScroll: true });
    },
  };
}
