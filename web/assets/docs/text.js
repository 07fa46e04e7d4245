/* Showing text: JSON in colours, words with `code` in them, copying. */
import { h } from "../common/dom.js";
import { icon } from "../common/icons.js";

const COLOURED_MAX = 200_000;
const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g;

/** Pretty JSON in spans of colour. @param {any} value @returns {HTMLElement} */
export function jsonView(value, label) {
  const text = JSON.stringify(value, null, 2) ?? "";
  const code = h("code", {});
  if (text.length > COLOURED_MAX) {
    code.append(text);
  } else {
    let at = 0;
    for (const match of text.matchAll(TOKEN)) {
      const [whole, string, colon, word] = match;
      const kind = string ? (colon ? "key" : "string") : word ? "word" : "number";
      code.append(
        text.slice(at, match.index),
        h("span", { class: `json-${kind}` }, colon ? string : whole),
        colon ?? "",
      );
      at = match.index + whole.length;
    }
    code.append(text.slice(at));
  }
  return block(code, text, label);
}

/** Text in a box that scrolls by itself and can be copied. @param {HTMLElement|string} content */
export function block(content, text, label) {
  return h(
    "div",
    { class: "block" },
    h(
      "pre",
      { tabindex: 0, role: "group", "aria-label": label },
      content instanceof Node ? content : h("code", {}, content),
    ),
    copyButton(() => text, `Copy ${label.toLowerCase()}`),
  );
}

/** @param {() => string} text @param {string} label */
export function copyButton(text, label) {
  const button = h(
    "button",
    {
      type: "button",
      class: "icon-button copy",
      "aria-label": label,
      title: label,
      on: {
        click: async () => {
          try {
            await navigator.clipboard.writeText(text());
            button.classList.add("copied");
            setTimeout(() => button.classList.remove("copied"), 1500);
          } catch {
            /* no clipboard on a plain http:// address; the text can be selected */
          }
        },
      },
    },
    icon("copy"),
  );
  return button;
}

/** Words in which `this` is code. @param {string} text @returns {(string|HTMLElement)[]} */
export function words(text) {
  return text.split(/`([^`]+)`/).map((part, i) => (i % 2 ? h("code", {}, part) : part));
}
