/* What is known of one span, below its row. */
import { h } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { duration } from "./format.js";
import { href } from "./route.js";

/** @typedef {import("./model.js").Span} Span @typedef {import("./model.js").Tag} Tag */

function sum(parts) {
  return parts.reduce((total, part) => total + part.to - part.from, 0);
}

/** A text that is JSON is easier read in lines. */
function valueText(value) {
  const text = String(value);
  if (typeof value !== "string" || !/^[[{]/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** @param {Tag[]} tags */
function table(title, tags) {
  if (tags.length === 0) return null;
  return h(
    "section",
    {},
    h("h3", {}, title),
    h(
      "table",
      { class: "tags" },
      h(
        "tbody",
        {},
        tags.map((tag) =>
          h(
            "tr",
            { class: tag.key === "error.type" || tag.key === "error" ? "tag-bad" : null },
            h("th", { scope: "row" }, tag.key),
            h("td", { class: `value-${tag.type}` }, valueText(tag.value)),
          ),
        ),
      ),
    ),
  );
}

function events(trace, span) {
  if (span.events.length === 0) return null;
  return h(
    "section",
    {},
    h("h3", {}, t("span.events")),
    h(
      "ol",
      { class: "events" },
      span.events.map((event) =>
        h(
          "li",
          {},
          h("span", { class: "mono event-at" }, `+${duration(Math.max(event.at - span.start, 0))}`),
          h("strong", {}, event.name),
          event.fields.map((field) => h("span", { class: "event-field" }, h("span", { class: "muted" }, `${field.key} `), valueText(field.value))),
        ),
      ),
    ),
  );
}

function fact(name, value) {
  return value ? h("div", { class: "fact" }, h("dt", {}, name), h("dd", {}, value)) : null;
}

/** @param {import("./model.js").Trace} trace @param {Span} span @param {{onZoom: () => void}} does */
export function spanDetails(trace, span, { onZoom }) {
  return h(
    "div",
    { class: "details" },
    h(
      "dl",
      { class: "facts" },
      fact(t("span.start"), `+${duration(span.start - trace.start)}`),
      fact(t("span.duration"), duration(span.duration)),
      fact(t("span.own"), duration(sum(span.own))),
      fact(t("span.critical"), span.critical.length > 0 && duration(sum(span.critical))),
      fact(t("span.kind"), span.kind),
      fact(t("span.id"), h("code", {}, span.id)),
      h("button", { type: "button", class: "button button-small", on: { click: onZoom } }, t("span.zoom")),
    ),
    span.warnings.length > 0 && [h("h3", {}, t("span.warnings")), span.warnings.map((text) => h("p", { class: "warning" }, text))],
    table(t("span.attributes"), span.tags),
    events(trace, span),
    span.links.length > 0 &&
      h(
        "section",
        {},
        h("h3", {}, t("span.links")),
        h(
          "ul",
          {},
          span.links.map((link) =>
            h("li", {}, h("a", { class: "mono", href: href({ trace: link.traceID }), data: { route: "" } }, link.traceID)),
          ),
        ),
      ),
    h("details", { class: "fold" }, h("summary", {}, t("span.process")), table(span.service, span.process)),
  );
}
