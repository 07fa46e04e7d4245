/* What the parts of the account have in common. */
import { h } from "../common/dom.js";

/** A part that is filled when it is opened. @param {string} title @param {(box: HTMLElement) => void} open */
export function part(title, open) {
  const box = h("div", { class: "account-part" });
  const details = h("details", { class: "account-details" }, h("summary", {}, title), box);
  details.addEventListener("toggle", () => details.open && open(box));
  return details;
}

/** Has the browser save it. The file is made here, since the API takes the token in a header, which a plain link cannot send.
 *  @param {Blob} blob @param {string} name */
export function saveFile(blob, name) {
  const url = URL.createObjectURL(blob);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
