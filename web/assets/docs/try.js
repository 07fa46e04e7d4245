/* Trying a call: fields made from the schema, the request as curl, the answer with everything that came with it. What
 * is typed is sent as typed, right or wrong: seeing a 422 is part of learning an API. */
import { fill, h, uniqueId } from "../common/dom.js";
import { linkTrace, traceLink } from "../common/traces.js";
import { onToken, pasteToken, tokenToSend, whoText } from "./authorise.js";
import { headerWords } from "./header_words.js";
import { block, jsonView } from "./text.js";

/** @typedef {import("./model.js").ApiModel} ApiModel @typedef {import("./model.js").Operation} Operation */
/** @typedef {{url: string, method: string, headers: Object<string, string>, body: string|undefined}} Call */

const FORM = "application/x-www-form-urlencoded";
const SHOWN_MAX = 500_000;

/** A word for a POSIX shell. */
function shellWord(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** @param {Call} call @returns {string} the token as $TOKEN, so that it stays out of screenshots and histories */
export function curlText({ url, method, headers, body }) {
  const parts = ["curl -i"];
  if (method !== "GET" || body !== undefined) parts[0] += ` -X ${method}`;
  for (const [name, value] of Object.entries(headers))
    parts.push(name === "Authorization" ? '-H "Authorization: Bearer $TOKEN"' : `-H ${shellWord(`${name}: ${value}`)}`);
  if (body !== undefined) parts.push(`--data-raw ${shellWord(body)}`);
  parts.push(shellWord(url));
  return parts.join(" \\\n  ");
}

/** @param {ApiModel} model */
function inputFor(model, parameter) {
  const { schema } = model.split(parameter.schema);
  const at = model.follow(schema);
  const values = at.enum ?? (at.type === "boolean" ? [true, false] : null);
  if (values)
    return h(
      "select",
      {},
      h("option", { value: "" }, at.default !== undefined ? `(${at.default})` : "—"),
      values.map((value) => h("option", { value: String(value) }, String(value))),
    );
  const sample = model.follow(parameter.schema).examples?.[0];
  const isWanted = parameter.required;
  return h("input", {
    type: "text",
    autocomplete: "off",
    spellcheck: "false",
    inputmode: at.type === "integer" ? "numeric" : null,
    placeholder: at.default !== undefined ? String(at.default) : sample !== undefined ? `for example ${sample}` : "",
    value: isWanted ? String(model.example(parameter.schema) ?? "") : "",
  });
}

function bodyText(model, { type, schema }) {
  const value = model.example(schema);
  return type === FORM ? new URLSearchParams(value).toString() : JSON.stringify(value, null, 2);
}

/** @param {ApiModel} model @param {Operation} operation */
function bodyEditor(model, operation) {
  const area = h("textarea", {
    class: "mono body",
    rows: 7,
    spellcheck: "false",
    id: uniqueId("body"),
    autocomplete: "off",
  });
  const type = h(
    "select",
    {
      id: uniqueId("type"),
      on: { change: () => use(operation.bodies.find((body) => body.type === type.value)) },
    },
    operation.bodies.map((body) => h("option", { value: body.type }, body.type)),
  );
  const use = (body) => {
    area.value = bodyText(model, body);
    area.rows = Math.min(16, Math.max(3, area.value.split("\n").length + 1));
  };
  use(operation.bodies[0]);
  return {
    area,
    type,
    element: h(
      "div",
      { class: "field" },
      h("label", { for: area.id }, "Body"),
      area,
      operation.bodies.length > 1 &&
        h("div", { class: "field field-line" }, h("label", { for: type.id }, "Content-Type"), type),
    ),
  };
}

/** @param {Operation} operation @param {Map<string, HTMLInputElement>} inputs */
function addressOf(operation, inputs) {
  let path = operation.path;
  const query = new URLSearchParams();
  for (const parameter of operation.parameters) {
    const text = inputs.get(`${parameter.in} ${parameter.name}`)?.value ?? "";
    if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(text));
    else if (parameter.in === "query" && text !== "") query.append(parameter.name, text);
  }
  const tail = query.toString();
  return location.origin + path + (tail ? `?${tail}` : "");
}

function headersOf(operation, inputs) {
  const headers = { Accept: "application/json" };
  for (const parameter of operation.parameters) {
    const text = inputs.get(`${parameter.in} ${parameter.name}`)?.value ?? "";
    if (parameter.in === "header" && text) headers[parameter.name] = text;
  }
  return headers;
}

async function send(call, refused = "") {
  const token = call.isWithToken ? await tokenToSend(refused) : "";
  const headers = { ...call.headers, ...(token && { Authorization: `Bearer ${token}` }) };
  const begin = performance.now();
  const response = await fetch(call.url, {
    method: call.method,
    headers,
    body: call.body,
    credentials: "omit",
    cache: "no-store",
  });
  if (response.status === 401 && token && !refused && (await tokenToSend(token))) return send(call, token);
  const text = await response.text();
  return { response, text, headers, ms: performance.now() - begin };
}

/** The id, which becomes a link to its trace. */
function requestIdView(id) {
  return linkTrace(h("span", { class: "mono small" }, `X-Request-Id ${id}`), () => ["X-Request-Id ", traceLink(id)]);
}

function parsed(response, text) {
  if (!/\bjson\b/.test(response.headers.get("Content-Type") ?? "")) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function answerView({ response, text, headers, ms }, call) {
  const json = parsed(response, text);
  const shown = [...response.headers].sort(([a], [b]) => a.localeCompare(b));
  const requestId = response.headers.get("X-Request-Id");
  const kind = response.ok ? "good" : "bad";
  return [
    h(
      "p",
      { class: "answer-line" },
      h(
        "strong",
        { class: `status status-${kind}`, data: { status: response.status } },
        `${response.status} ${response.statusText}`.trim(),
      ),
      h("span", {}, `${ms.toFixed(0)} ms`),
      h("span", {}, `${new TextEncoder().encode(text).length} bytes`),
      requestId && requestIdView(requestId),
    ),
    json?.code &&
      json?.trace_id &&
      h("p", {}, "What this means: ", h("a", { href: `#problem-${json.code}` }, json.code)),
    json?.access_token &&
      h(
        "p",
        {},
        h(
          "button",
          { type: "button", class: "button", on: { click: () => pasteToken(json.access_token) } },
          "Use this access token",
        ),
      ),
    text &&
      (json !== undefined ? jsonView(json, "Response body") : block(text.slice(0, SHOWN_MAX), text, "Response body")),
    h(
      "details",
      { class: "fold" },
      h("summary", {}, "Headers"),
      h(
        "dl",
        { class: "headers" },
        shown.map(([name, value]) => [
          h("dt", {}, name),
          h("dd", {}, value, headerWords[name] && h("span", { class: "header-words" }, headerWords[name])),
        ]),
      ),
    ),
    h(
      "details",
      { class: "fold", open: true },
      h("summary", {}, "curl"),
      block(curlText({ ...call, headers }), curlText({ ...call, headers }), "Curl command"),
    ),
  ];
}

/** @param {ApiModel} model @param {Operation} operation @returns {HTMLElement} */
export function tryView(model, operation) {
  const inputs = new Map();
  const fields = operation.parameters
    .filter((one) => one.in !== "cookie")
    .map((parameter) => {
      const input = inputFor(model, parameter);
      input.id = uniqueId("try");
      inputs.set(`${parameter.in} ${parameter.name}`, input);
      return h(
        "div",
        { class: "field" },
        h(
          "label",
          { for: input.id },
          h("code", {}, parameter.name),
          parameter.required && h("span", { class: "required" }, "required"),
        ),
        input,
      );
    });
  const body = operation.bodies.length > 0 ? bodyEditor(model, operation) : null;
  const who = h("p", { class: "muted small" });
  const answer = h("div", { class: "answer", "aria-live": "polite" });
  const button = h("button", { type: "submit", class: "button button-strong" }, "Send");

  const showWho = () =>
    fill(
      who,
      operation.auth !== "none" &&
        (whoText() ? `Sent as ${whoText()}.` : "Needs a token: authorise first (the button at the top)."),
    );
  showWho();
  onToken(showWho);

  async function go(event) {
    event.preventDefault();
    const headers = headersOf(operation, inputs);
    if (body) headers["Content-Type"] = body.type.value;
    const call = {
      url: addressOf(operation, inputs),
      method: operation.method.toUpperCase(),
      headers,
      body: body?.area.value,
      isWithToken: operation.auth !== "none",
    };
    button.disabled = true;
    try {
      fill(answer, answerView(await send(call), call));
    } catch (error) {
      fill(
        answer,
        h("p", { class: "failure" }, `No answer: ${error.message}`),
        block(curlText(call), curlText(call), "Curl command"),
      );
    }
    button.disabled = false;
  }
  return h(
    "form",
    { class: "try", on: { submit: go } },
    h("h4", {}, "Try it"),
    fields,
    body?.element,
    h("div", { class: "try-send" }, button, who),
    answer,
  );
}
