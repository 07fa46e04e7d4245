/* The sections beside the operations: what to know first, schemas, problems. */
import { attributionLines, tmdbAttribution } from "../common/attribution.js";
import { call } from "../common/api.js";
import { fill, h } from "../common/dom.js";
import { icon } from "../common/icons.js";
import { headerWords, headersOfFilms } from "./header_words.js";
import { problemCodes, violationTypes } from "./problem_codes.js";
import { schemaView } from "./schema_view.js";
import { block, jsonView, words } from "./text.js";

/** @typedef {import("./model.js").ApiModel} ApiModel */

const API = "/api/v1";

function firstCalls() {
  const base = location.origin + API;
  return [
    "# search; then register, log in, keep a film",
    `curl '${base}/movies/search?query=shawshenk'`,
    `curl -d '{"email":"ada@example.org","password":"correct horse battery staple"}' -H 'Content-Type: application/json' ${base}/auth/register`,
    `TOKEN=$(curl -s -d username=ada@example.org --data-urlencode 'password=correct horse battery staple' ${base}/auth/login | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`,
    `curl -d '{"movie_id":1000003365}' -H 'Content-Type: application/json' -H "Authorization: Bearer $TOKEN" ${base}/users/me/favorites`,
  ].join("\n");
}

/** @param {ApiModel} model */
export function introduction(model) {
  const calls = firstCalls();
  return h(
    "section",
    { class: "intro", id: "start" },
    h("h1", {}, model.info.title ?? "API"),
    h(
      "p",
      { class: "intro-line" },
      h("span", { class: "version" }, model.info.version ?? ""),
      `OpenAPI ${model.document.openapi ?? ""}`,
      model.info.license?.name && ` · ${model.info.license.name}`,
    ),
    model.info.description && h("p", { class: "lead" }, words(model.info.description)),
    h("h2", { class: "small-head" }, "Four calls to know it"),
    block(calls, calls, "First calls"),
    h(
      "p",
      {},
      h(
        "a",
        { class: "button", href: `${API}/openapi.json`, download: "cinesync-openapi.json" },
        icon("download"),
        "openapi.json",
      ),
    ),
  );
}

function schemaSection(model, name) {
  const schema = model.schemas[name];
  const details = h(
    "details",
    { class: "schema-item", id: `schema-${name}` },
    h("summary", {}, h("code", {}, name), h("span", { class: "muted" }, schema.description ?? "")),
  );
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1)
      details.append(schemaView(model, schema), jsonView(model.example(schema, { isFull: true }), "Example"));
  });
  return details;
}

/** @param {ApiModel} model */
export function schemasSection(model) {
  return h(
    "section",
    { id: "schemas" },
    h("h2", {}, "Schemas"),
    Object.keys(model.schemas).map((name) => schemaSection(model, name)),
  );
}

function problemItem({ status, code, why, then }) {
  return h(
    "li",
    { class: "problem", id: `problem-${code}`, tabindex: -1 },
    h(
      "h3",
      {},
      h("span", { class: "status status-bad" }, status),
      h("code", {}, code),
      h("a", { class: "anchor", href: `#problem-${code}`, "aria-label": `Link to ${code}` }, "#"),
    ),
    h("p", {}, why),
    h("p", { class: "muted" }, then),
  );
}

/** Every problem, and the words of a 422. */
export function problemsSection() {
  const example = {
    type: "/docs#problem-validation-failed",
    title: "The request does not fit its description",
    status: 422,
    detail: "…",
    instance: `${API}/auth/register`,
    code: "validation-failed",
    trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
    errors: [{ loc: ["body", "password"], msg: "String should have at least 8 characters", type: "string_too_short" }],
  };
  return h(
    "section",
    { id: "problems" },
    h("h2", {}, "Problems"),
    h(
      "p",
      {},
      "Every error is ",
      h("code", {}, "application/problem+json"),
      " (RFC 9457). ",
      h("code", {}, "code"),
      " is stable: programs may rely on it. ",
      h("code", {}, "trace_id"),
      " finds the request in the logs and equals the header X-Request-Id.",
    ),
    jsonView(example, "Example of a problem"),
    h("ul", { class: "problems", role: "list" }, problemCodes.map(problemItem)),
    h("h3", { id: "violation-types" }, "Types of violations"),
    h(
      "dl",
      { class: "headers" },
      violationTypes.map(([types, meaning]) => [h("dt", {}, h("code", {}, types)), h("dd", {}, meaning)]),
    ),
  );
}

/** What the headers of answers about films say of where they come from. */
export function headersSection() {
  return h(
    "section",
    { id: "headers" },
    h("h2", {}, "Headers of films"),
    h(
      "p",
      {},
      "Every answer of ",
      h("code", {}, "/movies"),
      " says how it came about. While TMDB is away, what was asked before is answered as it was then, and a search for something new from the films seen so far: ",
      h("code", {}, "source"),
      " is then ",
      h("code", {}, "local"),
      ".",
    ),
    h(
      "dl",
      { class: "headers" },
      headersOfFilms.map((name) => [h("dt", {}, h("code", {}, name)), h("dd", {}, headerWords[name.toLowerCase()])]),
    ),
  );
}

/* Not to be had because TMDB is away: then the films are TMDB's. */
async function attribution() {
  try {
    return (await call("GET", "/movies/configuration")).attribution;
  } catch (error) {
    return /^upstream-/.test(error.code) ? tmdbAttribution : null;
  }
}

/** Whose data the films are; fills when that is known, and stays away when it cannot be. */
export function attributionFooter() {
  const footer = h("footer", { class: "attribution", hidden: true });
  attribution().then((found) => {
    fill(footer, found && [h("h2", { class: "small-head" }, "Whose data it is"), attributionLines(found)]);
    footer.hidden = !found;
  });
  return footer;
}
