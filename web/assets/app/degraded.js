/* The calm line over films that were seen before, while TMDB is away. */
import { h } from "../common/dom.js";
import { icon } from "../common/icons.js";
import { t } from "../common/i18n.js";

/** @param {boolean} isDegraded @param {() => void} [again] asks anew @returns {HTMLElement|null} */
export function degradedNote(isDegraded, again) {
  if (!isDegraded) return null;
  return h(
    "div",
    { class: "degraded", role: "status" },
    icon("clock"),
    h(
      "p",
      {},
      t("degraded.text"),
      " ",
      again && h("button", { type: "button", class: "link-button", on: { click: again } }, t("degraded.again")),
    ),
  );
}
