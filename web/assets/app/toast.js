/* Short messages at the foot of the page; read out politely, gone after a while unless looked at. */
import { h } from "../common/dom.js";
import { icon } from "../common/icons.js";
import { t } from "../common/i18n.js";
import { traceLine } from "./problem_words.js";

const SHOWN_MS = 6000;
const AT_ONCE_MAX = 3;

const shelf = h("div", { class: "toasts", role: "status", "aria-live": "polite" });

/** @param {string} text @param {{action?: {label: string, run: () => void}, error?: any}} [more] */
export function toast(text, { action, error } = {}) {
  let timer = 0;
  const leave = () => {
    clearTimeout(timer);
    box.remove();
  };
  const stay = () => clearTimeout(timer);
  const go = () => {
    timer = setTimeout(leave, SHOWN_MS);
  };
  const box = h(
    "div",
    {
      class: error ? "toast toast-error" : "toast",
      on: { pointerenter: stay, pointerleave: go, focusin: stay, focusout: go },
    },
    h("div", { class: "toast-text" }, h("p", {}, text), traceLine(error)),
    action &&
      h(
        "button",
        {
          type: "button",
          class: "button button-quiet",
          on: {
            click: () => {
              leave();
              action.run();
            },
          },
        },
        action.label,
      ),
    h(
      "button",
      { type: "button", class: "icon-button", "aria-label": t("close"), on: { click: leave } },
      icon("close"),
    ),
  );

  /* A modal dialog lies over everything else, so the shelf goes into it. */
  (document.querySelector("dialog[open]") ?? document.body).append(shelf);
  shelf.append(box);
  while (shelf.children.length > AT_ONCE_MAX) shelf.firstChild.remove();
  go();
}

/** Before a dialog goes, what it still says moves to the page. */
export function rescueToasts(dialog) {
  if (dialog.contains(shelf)) document.body.append(shelf);
}

document.body.append(shelf);
