/* The OpenAPI document as the page needs it: operations in order, references followed, examples made up. Nothing here
 * knows our own API; any OpenAPI 3.1 document will do. */

/** @typedef {Object<string, any>} Schema  JSON Schema, draft 2020-12. */
/** @typedef {{name: string, in: string, required: boolean, description: string, schema: Schema}} Parameter */
/** @typedef {{id: string, method: string, path: string, tag: string, summary: string, description: string,
 *  parameters: Parameter[], bodies: {type: string, schema: Schema}[], isBodyRequired: boolean,
 *  responses: {status: string, description: string, type: string, schema: Schema|null}[],
 *  auth: "none"|"optional"|"required"}} Operation */

const METHODS = ["get", "post", "put", "patch", "delete", "head", "options", "trace"];
const DEPTH_MAX = 8;

/** "#/components/schemas/User": "User" */
export function refName(ref) {
  return decodeURIComponent(ref.split("/").at(-1)).replaceAll("~1", "/").replaceAll("~0", "~");
}

export class ApiModel {
  /** @param {any} document */
  constructor(document) {
    this.document = document;
    this.info = document.info ?? {};
    /** @type {Object<string, Schema>} */
    this.schemas = document.components?.schemas ?? {};
    /** @type {Operation[]} */
    this.operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
      this.#operationsOf(path, this.follow(item)),
    );
    this.tags = this.#tagsInOrder();
  }

  /** What a reference stands for, through several if need be; anything else is itself. */
  follow(thing) {
    for (let hops = 0; thing?.$ref && hops < 16; hops++) {
      const parts = thing.$ref
        .replace(/^#\//, "")
        .split("/")
        .map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"));
      const found = parts.reduce((at, part) => at?.[part], this.document);
      if (found === undefined) return {};
      thing = found;
    }
    return thing ?? {};
  }

  #tagsInOrder() {
    const named = (this.document.tags ?? []).map((tag) => tag.name);
    const used = this.operations.map((operation) => operation.tag);
    return [...new Set([...named, ...used])]
      .filter((tag) => used.includes(tag))
      .map((name) => ({
        name,
        description: this.document.tags?.find((tag) => tag.name === name)?.description ?? "",
        operations: this.operations.filter((operation) => operation.tag === name),
      }));
  }

  #operationsOf(path, item) {
    return METHODS.filter((method) => item[method]).map((method) => this.#operation(path, method, item));
  }

  #operation(path, method, item) {
    const about = item[method];
    const body = this.follow(about.requestBody);
    return {
      id: about.operationId ?? `${method}${path}`.replace(/\W+/g, "_"),
      method,
      path,
      tag: about.tags?.[0] ?? "other",
      summary: about.summary ?? "",
      description: about.description ?? "",
      parameters: [...(item.parameters ?? []), ...(about.parameters ?? [])].map((one) =>
        this.#parameter(this.follow(one)),
      ),
      bodies: Object.entries(body.content ?? {}).map(([type, media]) => ({ type, schema: media.schema ?? {} })),
      isBodyRequired: Boolean(body.required),
      responses: Object.entries(about.responses ?? {}).map(([status, one]) => this.#response(status, this.follow(one))),
      auth: this.#auth(about.security ?? this.document.security ?? []),
    };
  }

  #parameter(about) {
    return {
      name: about.name,
      in: about.in,
      required: Boolean(about.required),
      description: about.description ?? about.schema?.description ?? "",
      schema: about.schema ?? Object.values(about.content ?? {})[0]?.schema ?? {},
    };
  }

  #response(status, about) {
    const [type = "", media = {}] = Object.entries(about.content ?? {})[0] ?? [];
    return { status, description: about.description ?? "", type, schema: media.schema ?? null };
  }

  #auth(security) {
    if (security.length === 0) return "none";
    return security.some((one) => Object.keys(one).length === 0) ? "optional" : "required";
  }

  /** The schema without its null, and whether it had one; from type lists, anyOf and oneOf. */
  split(schema) {
    const followed = this.follow(schema);
    for (const word of ["anyOf", "oneOf"]) {
      const choices = followed[word];
      if (!Array.isArray(choices)) continue;
      const rest = choices.filter((one) => this.follow(one).type !== "null");
      const { [word]: _, ...around } = followed;
      if (rest.length === 1)
        return { schema: rest[0].$ref ? rest[0] : { ...around, ...rest[0] }, isNullable: rest.length < choices.length };
      return { schema: followed, isNullable: rest.length < choices.length };
    }
    if (Array.isArray(followed.type)) {
      const types = followed.type.filter((type) => type !== "null");
      return {
        schema: { ...followed, type: types.length === 1 ? types[0] : types },
        isNullable: types.length < followed.type.length,
      };
    }
    return { schema: schema.$ref ? schema : followed, isNullable: false };
  }

  /** "string · email", "array of Film", "integer or null" */
  typeText(schema) {
    const { schema: inner, isNullable } = this.split(schema);
    const plain = this.#plainType(inner);
    return isNullable ? `${plain} or null` : plain;
  }

  #plainType(schema) {
    if (schema.$ref) return refName(schema.$ref);
    if (schema.const !== undefined) return `always ${JSON.stringify(schema.const)}`;
    const choices = schema.anyOf ?? schema.oneOf;
    if (choices) return choices.map((one) => this.typeText(one)).join(" or ");
    if (schema.allOf) return schema.allOf.map((one) => this.typeText(one)).join(" and ");
    if (schema.type === "array") return `array of ${this.typeText(schema.items ?? {})}`;
    const type = Array.isArray(schema.type)
      ? schema.type.join(" or ")
      : (schema.type ?? (schema.properties ? "object" : schema.enum ? "one of" : "any"));
    return schema.format ? `${type} · ${schema.format}` : type;
  }

  /** A value that fits the schema. @param {{isFull?: boolean}} [how] isFull: optional fields, too */
  example(schema, { isFull = false } = {}, depth = 0) {
    const own = this.follow(schema);
    if (own.examples?.length > 0) return own.examples[0];
    if (own.example !== undefined) return own.example;
    const { schema: inner, isNullable } = this.split(schema);
    const at = this.follow(inner);
    if (at.examples?.length > 0) return at.examples[0];
    if (at.const !== undefined) return at.const;
    if (at.default !== undefined && at.default !== null) return at.default;
    if (at.enum) return at.enum.find((value) => value !== null) ?? null;
    if (depth > DEPTH_MAX) return null;
    const choice = (at.anyOf ?? at.oneOf)?.[0];
    if (choice) return this.example(choice, { isFull }, depth + 1);
    if (at.allOf) return Object.assign({}, ...at.allOf.map((one) => this.example(one, { isFull }, depth + 1)));
    return this.#exampleOfType(at, { isFull, isNullable }, depth);
  }

  #exampleOfType(schema, { isFull, isNullable }, depth) {
    const type = schema.type ?? (schema.properties ? "object" : "string");
    if (type === "object") {
      const required = new Set(schema.required ?? []);
      return Object.fromEntries(
        Object.entries(schema.properties ?? {})
          .filter(([name, property]) => isFull || required.has(name) || this.follow(property).examples)
          .map(([name, property]) => [name, this.example(property, { isFull }, depth + 1)]),
      );
    }
    if (type === "array") return depth >= DEPTH_MAX ? [] : [this.example(schema.items ?? {}, { isFull }, depth + 1)];
    if (type === "boolean") return false;
    if (type === "integer" || type === "number")
      return isNullable && isFull
        ? null
        : Math.max(
            schema.minimum ?? 1,
            schema.exclusiveMinimum !== undefined ? schema.exclusiveMinimum + 1 : -Infinity,
          );
    if (isNullable && isFull) return null;
    return exampleText(schema);
  }
}

const FORMATS = {
  email: "ada@example.org",
  uuid: "0190d3f2-7c1e-7a54-9d3b-5f2a8c6e1b07",
  date: "1994-09-23",
  "date-time": "2026-01-31T12:00:00Z",
  uri: "https://example.org/",
  "uri-reference": "/api/v1",
  password: "correct horse battery staple",
};

function exampleText(schema) {
  const text = FORMATS[schema.format] ?? "text";
  return text.padEnd(schema.minLength ?? 0, "x").slice(0, schema.maxLength ?? undefined);
}

/** What a value may be, beyond its type, a short text each. */
export function constraints(schema) {
  const found = [];
  const range = (low, most, unit) => {
    const high = most > Number.MAX_SAFE_INTEGER ? undefined : most; /* as much as fits is no limit to tell */
    if (low !== undefined && high !== undefined)
      found.push(low === high ? `exactly ${low}${unit}` : `${low} to ${high}${unit}`);
    else if (low !== undefined) found.push(`at least ${low}${unit}`);
    else if (high !== undefined) found.push(`at most ${high}${unit}`);
  };
  range(schema.minLength, schema.maxLength, " characters");
  range(schema.minimum, schema.maximum, "");
  range(schema.minItems, schema.maxItems, " items");
  if (schema.exclusiveMinimum !== undefined) found.push(`more than ${schema.exclusiveMinimum}`);
  if (schema.exclusiveMaximum !== undefined) found.push(`less than ${schema.exclusiveMaximum}`);
  if (schema.multipleOf !== undefined) found.push(`a multiple of ${schema.multipleOf}`);
  if (schema.uniqueItems) found.push("each once");
  if (schema.default !== undefined) found.push(`default ${JSON.stringify(schema.default)}`);
  if (schema.readOnly) found.push("read only");
  if (schema.writeOnly) found.push("never shown again");
  if (schema.deprecated) found.push("deprecated");
  return found;
}
