/* Forms whose mistakes are said beside the field they are in. */
import { fill, h, uniqueId } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { problemText, traceLine, violationsByField } from "./problem_words.js";

/** @typedef {{name: string, row: HTMLElement, input: HTMLInputElement|HTMLSelectElement,
 *  say: (text: string) => void}} Field */

/** @param {string} name as the API has it @param {string} label @param {HTMLInputElement|HTMLSelectElement} input
 *  @param {{hint?: string, beside?: HTMLElement}} [more] @returns {Field} */
export function field(name, label, input, { hint, beside } = {}) {
  const id = uniqueId("field");
  const error = h("p", { class: "field-error", id: `${id}-error` });
  const note = hint ? h("span", { class: "field-hint", id: `${id}-hint` }, hint) : null;
  input.id = id;
  input.name = name;
  input.setAttribute("aria-describedby", [note && `${id}-hint`, `${id}-error`].filter(Boolean).join(" "));
  const say = (text) => {
    fill(error, text);
    input.setAttribute("aria-invalid", String(Boolean(text)));
  };
  input.addEventListener("input", () => say(""));
  return {
    name,
    input,
    say,
    row: h(
      "div",
      { class: "field" },
      h("label", { for: id }, label, note && [" ", note]),
      h("div", { class: "field-input" }, input, beside),
      error,
    ),
  };
}

/** @param {Object<string, string>} options value -> words */
export function choice(options, value) {
  return h(
    "select",
    { value },
    Object.entries(options).map(([option, words]) => h("option", { value: option }, words)),
  );
}

/** A form that sends once at a time. send() throws a Problem to have it shown: what names a field beside it, the rest
 *  above the button. @param {{fields: Field[], submit: string, send: () => Promise<void>}} about */
export function form({ fields, submit, send }) {
  const failure = h("div", { class: "form-failure", role: "alert" });
  const button = h("button", { type: "submit", class: "button button-strong" }, submit);
  let isBusy = false;

  function show(error) {
    const said = violationsByField(error);
    let isSaid = false;
    for (const one of fields) {
      const text = said.get(one.name) ?? "";
      one.say(text);
      if (text && !isSaid) one.input.focus();
      isSaid ||= Boolean(text);
    }
    const elsewhere = [...said].filter(([name]) => !fields.some((one) => one.name === name));
    fill(
      failure,
      h("p", {}, problemText(error)),
      elsewhere.map(([name, text]) => h("p", {}, `${name}: ${text}`)),
      traceLine(error),
    );
  }

  return h(
    "form",
    {
      class: "form",
      novalidate: true,
      on: {
        submit: async (event) => {
          event.preventDefault();
          if (isBusy) return;
          isBusy = true;
          button.setAttribute("aria-busy", "true");
          fill(failure);
          fields.forEach((one) => one.say(""));
          try {
            await send();
          } catch (error) {
            show(error);
          }
          isBusy = false;
          button.removeAttribute("aria-busy");
        },
      },
    },
    fields.map((one) => one.row),
    failure,
    button,
  );
}

/** A password box with an eye. @returns {{input: HTMLInputElement, toggle: HTMLElement}} */
export function passwordInput(autocomplete) {
  const input = h("input", { type: "password", autocomplete, required: true });
  const box = h("input", {
    type: "checkbox",
    on: {
      change: () => {
        input.type = box.checked ? "text" : "password";
      },
    },
  });
  return { input, toggle: h("label", { class: "check" }, box, t("user.show_password")) };
}
