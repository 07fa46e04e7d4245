/* The page of the API: reads /api/v1/openapi.json and shows all of it. Addresses: #operationId, #schema-Name,
 * #problem-code. */
import { Problem, call } from "../common/api.js";
import { fill, h } from "../common/dom.js";
import { logo } from "../common/icons.js";
import { restore } from "../common/session.js";
import { authoriseButton } from "./authorise.js";
import { ApiModel } from "./model.js";
import { sideNav } from "./nav.js";
import { operationView } from "./operation.js";
import { attributionFooter, headersSection, introduction, problemsSection, schemasSection } from "./parts.js";
import { words } from "./text.js";

const app = document.getElementById("app");

function header() {
  return h(
    "header",
    { class: "header" },
    h(
      "a",
      { class: "logo", href: "/", "aria-label": "CineSync, the films" },
      logo(),
      h("span", { class: "logo-words" }, "CineSync"),
    ),
    h("span", { class: "header-title" }, "API"),
    authoriseButton(),
  );
}

/** Opens and shows what the address names. @param {Map<string, {open: () => void}>} operations */
function showAnchor(operations) {
  const id = decodeURIComponent(location.hash.slice(1));
  if (!id) return;
  operations.get(id)?.open();
  const target = document.getElementById(id);
  if (!target) return;
  if (target instanceof HTMLDetailsElement) target.open = true;
  target.scrollIntoView({ block: "start" });
  (target.querySelector("button, summary") ?? target).focus({ preventScroll: true });
}

/** @param {ApiModel} model */
function build(model) {
  const operations = new Map(model.operations.map((operation) => [operation.id, operationView(model, operation)]));
  const nav = sideNav(model);
  const tags = model.tags.map((tag) =>
    h(
      "section",
      { class: "tag", id: `tag-${tag.name}` },
      h("h2", {}, tag.name),
      tag.description && h("p", {}, words(tag.description)),
      tag.operations.map((operation) => operations.get(operation.id).element),
    ),
  );
  fill(
    app,
    h("a", { class: "skip", href: "#start" }, "Skip to the text"),
    header(),
    h(
      "div",
      { class: "page" },
      nav.element,
      h(
        "main",
        { id: "main" },
        introduction(model),
        tags,
        headersSection(),
        schemasSection(model),
        problemsSection(),
        attributionFooter(),
      ),
    ),
  );
  document.title = `${model.info.title ?? "API"} — CineSync`;

  window.addEventListener("hashchange", () => showAnchor(operations));
  /* A link to where one is already changes no address, but should open all the same. */
  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest('a[href^="#"]')?.hash === location.hash)
      showAnchor(operations);
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");
    if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || document.querySelector("dialog[open]"))
      return;
    event.preventDefault();
    nav.focusSearch();
  });
  showAnchor(operations);
}

async function start() {
  fill(app, h("p", { class: "loading", role: "status" }, "Loading…"));
  try {
    build(new ApiModel(await call("GET", "/openapi.json")));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    fill(
      app,
      h(
        "div",
        { class: "loading", role: "alert" },
        h("p", {}, `The API’s description could not be had: ${error.message}.`),
        h("button", { type: "button", class: "button", on: { click: start } }, "Try again"),
      ),
    );
  }
}

start();
restore();
