/* From an answer to its trace. The page of traces comes with the collector, which production has not. */
import { fill, h } from "./dom.js";

let asked = null;

/** Whether there is a page of traces here. @returns {Promise<boolean>} */
export function hasTraces() {
  asked ??= fetch("/traces", { method: "HEAD" }).then(
    (answer) => answer.ok,
    () => false,
  );
  return asked;
}

/** @param {string} id an answer's X-Request-Id */
export function traceLink(id, text = id) {
  return h("a", { href: `/traces#${id}`, class: "trace-link" }, text);
}

/** Puts the link into a place that has the same in words, where there is something to link to.
 *  @param {HTMLElement} place @param {() => any[]} content with the link */
export function linkTrace(place, content) {
  hasTraces().then((is) => is && fill(place, ...content()));
  return place;
}
