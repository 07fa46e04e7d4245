/* One operation: a line that opens into parameters, body, answers and a try. Filled when first opened. */
import { h } from "../common/dom.js";
import { icon } from "../common/icons.js";
import { limitsView, schemaView, typeView } from "./schema_view.js";
import { jsonView, words } from "./text.js";
import { tryView } from "./try.js";

/** @typedef {import("./model.js").ApiModel} ApiModel @typedef {import("./model.js").Operation} Operation */

export function methodBadge(method) {
  return h("span", { class: `method method-${method}` }, method.toUpperCase());
}

/** The path with its {parameters} set off. */
function pathView(path) {
  return h(
    "code",
    { class: "path" },
    path.split(/(\{[^}]+\})/).map((part) => (part.startsWith("{") ? h("em", {}, part) : part)),
  );
}

function parametersView(model, operation) {
  return h(
    "div",
    { class: "part" },
    h("h4", {}, "Parameters"),
    h(
      "div",
      { class: "table-box", tabindex: 0, role: "region", "aria-label": "Parameters" },
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            ["Name", "In", "Type", "Meaning"].map((title) => h("th", { scope: "col" }, title)),
          ),
        ),
        h(
          "tbody",
          {},
          operation.parameters.map((one) =>
            h(
              "tr",
              {},
              h(
                "th",
                { scope: "row" },
                h("code", {}, one.name),
                one.required && h("span", { class: "required" }, "required"),
              ),
              h("td", {}, one.in),
              h("td", {}, typeView(model, one.schema)),
              h(
                "td",
                {},
                words(one.description),
                h("div", { class: "property-limits" }, limitsView(model, one.schema)),
              ),
            ),
          ),
        ),
      ),
    ),
  );
}

function bodyView(model, operation) {
  return h(
    "div",
    { class: "part" },
    h("h4", {}, "Request body", operation.isBodyRequired && h("span", { class: "required" }, "required")),
    h("p", { class: "muted small" }, operation.bodies.map((body) => body.type).join(", ")),
    schemaView(model, operation.bodies[0].schema),
  );
}

/* "4xx problem" answers are many and alike: a line each; what succeeds shows its schema and an example. */
function responseView(model, response) {
  const isProblem = response.type === "application/problem+json";
  const head = [
    h("strong", { class: `status status-${/^[23]/.test(response.status) ? "good" : "bad"}` }, response.status),
    " ",
    words(response.description),
  ];
  if (!response.schema || isProblem)
    return h(
      "li",
      { class: "response" },
      head,
      isProblem && [" ", h("a", { href: "#schema-Problem", class: "small" }, "Problem")],
      !isProblem && response.type && h("span", { class: "muted small" }, ` ${response.type}`),
    );
  const details = h("details", { class: "fold" }, h("summary", {}, model.typeText(response.schema)));
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1)
      details.append(
        h("p", {}, typeView(model, response.schema)),
        schemaView(model, response.schema),
        jsonView(model.example(response.schema, { isFull: true }), "Example"),
      );
  });
  return h("li", { class: "response" }, head, details);
}

function content(model, operation) {
  return h(
    "div",
    { class: "operation-grid" },
    h(
      "div",
      { class: "operation-words" },
      operation.description && h("p", {}, words(operation.description)),
      operation.parameters.length > 0 && parametersView(model, operation),
      operation.bodies.length > 0 && bodyView(model, operation),
      h(
        "div",
        { class: "part" },
        h("h4", {}, "Answers"),
        h(
          "ul",
          { class: "responses", role: "list" },
          operation.responses.map((response) => responseView(model, response)),
        ),
      ),
    ),
    tryView(model, operation),
  );
}

/** @param {ApiModel} model @param {Operation} operation
 *  @returns {{element: HTMLElement, open: (isOpen?: boolean) => void}} */
export function operationView(model, operation) {
  const inside = h("div", { class: "operation-content", hidden: true, id: `${operation.id}-content` });
  const head = h(
    "button",
    {
      type: "button",
      class: "operation-head",
      "aria-expanded": "false",
      "aria-controls": inside.id,
      on: { click: () => set(inside.hidden, true) },
    },
    methodBadge(operation.method),
    pathView(operation.path),
    h("span", { class: "operation-summary" }, operation.summary),
    operation.auth !== "none" &&
      h(
        "span",
        { class: "locked", title: "Needs a token" },
        icon("lock"),
        h("span", { class: "visually-hidden" }, "needs a token"),
      ),
    icon("chevron", "icon chevron"),
  );

  function set(isOpen, byHand = false) {
    if (isOpen && inside.children.length === 0) inside.append(content(model, operation));
    inside.hidden = !isOpen;
    head.setAttribute("aria-expanded", String(isOpen));
    if (isOpen && byHand) history.replaceState(history.state, "", `#${operation.id}`);
  }
  const element = h("article", { class: "operation", id: operation.id }, h("h3", {}, head), inside);
  return { element, open: (isOpen = true) => set(isOpen) };
}
