/* The waterfall: a row a span, its bar where it was in time. Solid is the span's own time, pale is time in which something
 * below it ran, the line below is the critical path. Arrow keys walk over the rows, left and right close and open them. */
import { fill, h } from "../common/dom.js";
import { icon } from "../common/icons.js";
import { t } from "../common/i18n.js";
import { colourOf, duration } from "./format.js";
import { shortName } from "./model.js";
import { spanDetails } from "./span.js";

/** @typedef {import("./model.js").Trace} Trace @typedef {import("./model.js").Span} Span */

const TICKS = 5;
/* A long trace begins with its upper rows. */
const OPEN_ROWS_MAX = 150;

/** "12.5%" of the window. */
function at(shown, time) {
  return `${((time - shown.from) / (shown.to - shown.from || 1)) * 100}%`;
}

function piece(className, shown, { from, to }) {
  const start = Math.max(from, shown.from);
  const end = Math.min(to, shown.to);
  if (end < start) return null;
  const width = ((end - start) / (shown.to - shown.from || 1)) * 100;
  return h("span", { class: className, css: { "--left": at(shown, start), "--width": `${width}%` } });
}

function bar(span, shown) {
  const share = (time) => (time - shown.from) / (shown.to - shown.from || 1);
  const isRight = share(span.end) > 0.88;
  const isWide = isRight && share(span.start) < 0.12;
  return h(
    "span",
    { class: `lane ${colourOf(span.service)}`, "aria-hidden": "true" },
    piece(`bar${span.isError ? " bar-error" : ""}`, shown, { from: span.start, to: span.end }),
    span.own.map((part) => piece("bar-own", shown, part)),
    span.critical.map((part) => piece("bar-critical", shown, part)),
    span.events
      .filter((event) => event.at >= shown.from && event.at <= shown.to)
      .map((event) => h("span", { class: "bar-event", title: event.name, css: { "--left": at(shown, event.at) } })),
    span.start <= shown.to &&
      span.end >= shown.from &&
      h(
        "span",
        {
          class: isWide ? "bar-words bar-words-in" : isRight ? "bar-words bar-words-left" : "bar-words",
          css: { "--left": isRight ? at(shown, Math.max(span.start, shown.from)) : at(shown, Math.min(span.end, shown.to)) },
        },
        duration(span.duration),
      ),
  );
}

function ruler(trace, shown) {
  const marks = Array.from({ length: TICKS }, (_, i) => i / (TICKS - 1));
  return h(
    "div",
    { class: "ruler", "aria-hidden": "true" },
    marks.map((mark) =>
      h(
        "span",
        { class: "tick", css: { "--left": `${mark * 100}%` } },
        duration(Math.round(shown.from - trace.start + mark * (shown.to - shown.from))),
      ),
    ),
  );
}

function legend() {
  const one = (className, key) => h("li", {}, h("span", { class: `key ${className}`, "aria-hidden": "true" }), t(key));
  return h(
    "ul",
    { class: "legend" },
    one("key-own", "trace.legend_own"),
    one("key-wait", "trace.legend_wait"),
    one("key-critical", "trace.legend_critical"),
    one("key-event", "trace.legend_event"),
  );
}

/** @param {Trace} trace */
export function waterfall(trace) {
  const closed = new Set();
  const opened = new Set();
  let shown = { from: trace.start, to: Math.max(trace.end, trace.start + 1) };
  const rows = h("ol", { class: "rows" });
  const head = h("div", { class: "rows-head" });
  if (trace.spans.length > OPEN_ROWS_MAX) for (const span of trace.spans) if (span.depth >= 2 && span.children.length) closed.add(span.id);

  function isHidden(span) {
    for (let above = span.parent; above; above = above.parent) if (closed.has(above.id)) return true;
    return false;
  }

  function toggle(span, isClosed) {
    if (isClosed) closed.add(span.id);
    else closed.delete(span.id);
    draw(span.id);
  }

  function twig(span) {
    if (span.children.length === 0) return h("span", { class: "twig" });
    const isClosed = closed.has(span.id);
    return h(
      "button",
      {
        type: "button",
        class: "twig",
        tabindex: -1,
        "aria-expanded": String(!isClosed),
        "aria-label": t(isClosed ? "trace.expand" : "trace.collapse", { name: span.operation }),
        on: { click: () => toggle(span, !isClosed) },
      },
      icon("chevron"),
    );
  }

  function details(span) {
    return spanDetails(trace, span, {
      onZoom: () => {
        const room = Math.max((span.end - span.start) * 0.05, 1);
        shown = { from: Math.max(span.start - room, trace.start), to: Math.min(span.end + room, trace.end) };
        draw(span.id);
      },
    });
  }

  function rowOf(span) {
    const isOpen = opened.has(span.id);
    const name = `${shortName(span.service)}, ${span.operation}, ${duration(span.duration)}`;
    return h(
      "li",
      { class: `row${isOpen ? " row-open" : ""}`, data: { span: span.id }, css: { "--depth": Math.min(span.depth, 12) } },
      h(
        "div",
        { class: "row-line" },
        h(
          "div",
          { class: `row-name ${colourOf(span.service)}` },
          twig(span),
          h(
            "button",
            {
              type: "button",
              class: "row-button",
              "aria-expanded": String(isOpen),
              "aria-label": span.isError ? `${name}, ${t("span.error")}` : name,
              on: {
                click: () => {
                  if (!opened.delete(span.id)) opened.add(span.id);
                  draw(span.id);
                },
              },
            },
            h("span", { class: "row-service" }, shortName(span.service)),
            h("span", { class: "row-operation" }, span.operation),
            span.isError && h("span", { class: "mark-error", "aria-hidden": "true" }, "!"),
          ),
        ),
        bar(span, shown),
      ),
      isOpen && details(span),
    );
  }

  /** Draws it anew, with the focus on that span's row. */
  function draw(focusId) {
    const isWhole = shown.from === trace.start && shown.to >= trace.end;
    fill(rows, trace.spans.filter((span) => !isHidden(span)).map(rowOf));
    fill(head, h("div", { class: "head-name" }), ruler(trace, shown));
    fill(
      zoom,
      !isWhole && [
        h("span", {}, t("trace.zoomed", { from: duration(shown.from - trace.start), to: duration(shown.to - trace.start) })),
        h("button", { type: "button", class: "link-button", on: { click: reset } }, t("trace.whole")),
      ],
    );
    if (focusId) rows.querySelector(`[data-span="${focusId}"] .row-button`)?.focus({ preventScroll: true });
  }

  function reset() {
    shown = { from: trace.start, to: Math.max(trace.end, trace.start + 1) };
    draw(trace.root.id);
  }

  function onKey(event) {
    const row = event.target instanceof Element && event.target.matches(".row-button") ? event.target.closest(".row") : null;
    if (!row) return;
    const span = trace.spans.find((one) => one.id === row.dataset.span);
    const step = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling }[event.key];
    if (step) step.querySelector(".row-button").focus();
    else if (event.key === "ArrowLeft" && span.children.length && !closed.has(span.id)) toggle(span, true);
    else if (event.key === "ArrowLeft" && span.parent) draw(span.parent.id);
    else if (event.key === "ArrowRight" && closed.has(span.id)) toggle(span, false);
    else return;
    event.preventDefault();
  }

  const zoom = h("p", { class: "zoom", role: "status" });
  const all = (isClosed) => () => {
    closed.clear();
    if (isClosed) for (const span of trace.spans) if (span.children.length && span.parent === null) closed.add(span.id);
    draw();
  };
  rows.addEventListener("keydown", onKey);
  draw();
  return {
    element: h(
      "section",
      { class: "waterfall", "aria-labelledby": "waterfall-title" },
      h(
        "div",
        { class: "waterfall-top" },
        h("h2", { id: "waterfall-title" }, t("trace.waterfall")),
        legend(),
        h("button", { type: "button", class: "link-button", on: { click: all(false) } }, t("trace.expand_all")),
        h("button", { type: "button", class: "link-button", on: { click: all(true) } }, t("trace.collapse_all")),
      ),
      zoom,
      h("div", { class: "rows-frame" }, head, rows),
    ),
    /** Opens the span, and all that hides it. @param {Span} span */
    show(span) {
      for (let above = span.parent; above; above = above.parent) closed.delete(above.id);
      opened.add(span.id);
      draw(span.id);
      rows.querySelector(`[data-span="${span.id}"]`)?.scrollIntoView({ block: "center" });
    },
  };
}
