/* The list at the side: everything there is, and a box that narrows it. */
import { h } from "../common/dom.js";
import { icon } from "../common/icons.js";
import { methodBadge } from "./operation.js";
import { problemCodes } from "./problem_codes.js";

/** @typedef {import("./model.js").ApiModel} ApiModel */

/* One entry and the words it is found by. */
function entry(address, found, ...children) {
  return h("li", { data: { words: found.toLowerCase() } }, h("a", { href: address }, children));
}

function group(title, entries, { isOpen }) {
  return h(
    "details",
    { class: "nav-group", open: isOpen, data: { open: String(isOpen) } },
    h("summary", {}, title),
    h("ul", { role: "list" }, entries),
  );
}

/** @param {ApiModel} model */
function groups(model) {
  return [
    ...model.tags.map((tag) =>
      group(
        tag.name,
        tag.operations.map((operation) =>
          entry(
            `#${operation.id}`,
            `${operation.method} ${operation.path} ${operation.summary} ${operation.id}`,
            methodBadge(operation.method),
            h("span", { class: "nav-text" }, operation.summary || operation.path),
          ),
        ),
        { isOpen: true },
      ),
    ),
    group(
      "Schemas",
      Object.keys(model.schemas).map((name) => entry(`#schema-${name}`, name, name)),
      { isOpen: false },
    ),
    group(
      "Problems",
      problemCodes.map(({ status, code }) => entry(`#problem-${code}`, `${status} ${code}`, code)),
      { isOpen: false },
    ),
  ];
}

/** @param {ApiModel} model @returns {{element: HTMLElement, focusSearch: () => void}} */
export function sideNav(model) {
  const all = groups(model);
  const none = h("p", { class: "muted nav-none", role: "status" });
  const search = h("input", {
    type: "search",
    "aria-label": "Find an operation, schema or problem",
    placeholder: "Find…",
    autocomplete: "off",
    spellcheck: "false",
    on: {
      input: () => narrow(search.value.trim().toLowerCase()),
      keydown: (event) => {
        if (event.key === "Enter") element.querySelector("li:not([hidden]) a")?.click();
      },
    },
  });

  function narrow(text) {
    const wanted = text.split(/\s+/);
    let left = 0;
    for (const one of all) {
      let here = 0;
      for (const item of one.querySelectorAll("li")) {
        item.hidden = !wanted.every((word) => item.dataset.words.includes(word));
        here += item.hidden ? 0 : 1;
      }
      one.hidden = here === 0;
      one.open = text ? true : one.dataset.open === "true";
      left += here;
    }
    none.textContent = left === 0 ? "Nothing is called that." : "";
  }

  const list = h("div", { class: "nav-list" }, none, all);
  const toggle = h(
    "button",
    {
      type: "button",
      class: "icon-button nav-toggle",
      "aria-expanded": "false",
      "aria-label": "Contents",
      on: { click: () => show(toggle.getAttribute("aria-expanded") !== "true") },
    },
    icon("menu"),
  );
  const show = (isShown) => {
    toggle.setAttribute("aria-expanded", String(isShown));
    element.classList.toggle("nav-open", isShown);
  };
  const element = h(
    "nav",
    {
      class: "side",
      "aria-label": "Contents",
      on: {
        click: (event) => event.target.closest("a") && show(false),
        focusin: (event) => event.target === search && show(true),
      },
    },
    h("div", { class: "side-search" }, toggle, search),
    list,
  );
  document.addEventListener("click", (event) => element.contains(event.target) || show(false));
  return { element, focusSearch: () => search.select() };
}
