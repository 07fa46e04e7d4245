/* A schema as a tree: a line a property, what lies deeper behind a fold. Folds fill when opened, so that a schema may
 * hold itself. */
import { h } from "../common/dom.js";
import { constraints, refName } from "./model.js";
import { words } from "./text.js";

/** @typedef {import("./model.js").ApiModel} ApiModel @typedef {import("./model.js").Schema} Schema */

/** The type, with names of schemas as links. @param {ApiModel} model @param {Schema} schema */
export function typeView(model, schema) {
  const { schema: inner } = model.split(schema);
  const items = inner.type === "array" ? (inner.items ?? {}) : null;
  const ref = inner.$ref ?? (items && model.split(items).schema.$ref);
  const text = model.typeText(schema);
  if (!ref) return h("span", { class: "type" }, text);
  const name = refName(ref);
  const [before, ...after] = text.split(name);
  return h("span", { class: "type" }, before, h("a", { href: `#schema-${name}` }, name), after.join(name));
}

/** Limits, allowed values, pattern, examples. @param {ApiModel} model @param {Schema} schema */
export function limitsView(model, schema) {
  const { schema: inner } = model.split(schema);
  const at = inner.$ref ? {} : inner;
  const limits = constraints(at);
  const values = (at.enum ?? at.items?.enum ?? []).filter((value) => value !== null);
  const own = model.follow(schema);
  return [
    limits.length > 0 && h("span", { class: "limits" }, limits.join(" · ")),
    values.length > 0 &&
      h(
        "span",
        { class: "values" },
        values.map((value) => h("code", {}, JSON.stringify(value))),
      ),
    at.pattern && h("span", { class: "limits" }, "pattern ", h("code", {}, at.pattern)),
    own.examples?.length > 0 &&
      h("span", { class: "limits" }, "for example ", h("code", {}, JSON.stringify(own.examples[0]))),
  ];
}

/* The object that a property holds in itself or as items of its list, if any. */
function objectWithin(model, schema) {
  const { schema: inner } = model.split(schema);
  const at = model.follow(inner);
  if (at.type === "array") return objectWithin(model, at.items ?? {});
  const hasParts = at.properties || at.anyOf || at.oneOf || at.allOf;
  return hasParts ? at : null;
}

function fold(model, schema) {
  const details = h("details", { class: "fold" }, h("summary", {}, "Fields"));
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(schemaView(model, schema));
  });
  return details;
}

function property(model, name, schema, isRequired) {
  const within = objectWithin(model, schema);
  const about = model.follow(schema);
  return h(
    "li",
    { class: "property" },
    h(
      "div",
      { class: "property-head" },
      h("code", { class: "property-name" }, name),
      typeView(model, schema),
      isRequired && h("span", { class: "required" }, "required"),
    ),
    about.description && !schema.$ref && h("p", {}, words(about.description)),
    h("div", { class: "property-limits" }, limitsView(model, schema)),
    within && fold(model, within),
  );
}

/** @param {ApiModel} model @param {Schema} schema @returns {HTMLElement} */
export function schemaView(model, schema) {
  const { schema: inner } = model.split(schema);
  const at = model.follow(inner);
  if (at.type === "array")
    return h(
      "div",
      { class: "schema" },
      h("p", {}, typeView(model, schema)),
      objectWithin(model, at.items ?? {}) && schemaView(model, at.items),
    );
  const choices = at.anyOf ?? at.oneOf ?? at.allOf;
  if (choices)
    return h(
      "div",
      { class: "schema" },
      choices.map((choice) => h("div", { class: "choice" }, typeView(model, choice), schemaView(model, choice))),
    );
  if (!at.properties)
    return h("div", { class: "schema" }, h("p", {}, typeView(model, schema), " ", limitsView(model, schema)));
  const required = new Set(at.required ?? []);
  return h(
    "div",
    { class: "schema" },
    h(
      "ul",
      { class: "properties", role: "list" },
      Object.entries(at.properties).map(([name, one]) => property(model, name, one, required.has(name))),
    ),
    at.additionalProperties === false && h("p", { class: "limits" }, "No other fields."),
  );
}
