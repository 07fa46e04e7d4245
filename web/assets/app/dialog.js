/* Modal dialogs on <dialog>: the browser keeps the focus inside, closes on Escape and gives the focus back. */
import { h } from "../common/dom.js";
import { icon } from "../common/icons.js";
import { t } from "../common/i18n.js";
import { rescueToasts } from "./toast.js";

/** @param {{className: string, labelledBy?: string, label?: string, onClose: () => void}} about
 *  @param {...import("../common/dom.js").Child} children @returns {HTMLDialogElement} shown already */
export function openDialog({ className, labelledBy, label, onClose }, ...children) {
  const closer = h(
    "button",
    {
      type: "button",
      class: "icon-button dialog-close",
      "aria-label": t("close"),
      on: { click: () => dialog.close() },
    },
    icon("close"),
  );
  const dialog = h(
    "dialog",
    { class: `dialog ${className}`, "aria-labelledby": labelledBy, "aria-label": label },
    h("div", { class: "dialog-body", tabindex: -1, autofocus: true }, children),
    closer,
  );
  let pressedOutside = false;

  /* A press and a release on the backdrop; selecting text from the inside out is none. */
  dialog.addEventListener("pointerdown", (event) => {
    pressedOutside = event.target === dialog;
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog && pressedOutside) dialog.close();
  });
  dialog.addEventListener("close", () => {
    rescueToasts(dialog);
    dialog.remove();
    onClose();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
