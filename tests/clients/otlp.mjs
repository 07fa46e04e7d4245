// What was sent to /v1/traces and what was answered there, read by OpenTelemetry's own message classes. On stdin a JSON array of
// { what: "request" or "answer", type: its Content-Type, body: base64 }; prints { spans, faults, answers }.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";

const require = createRequire(import.meta.url);
// The classes that protoc's counterpart made of opentelemetry/proto; the package keeps them to itself.
const root = require("@opentelemetry/otlp-transformer/build/src/generated/root.js");
const { JsonTraceSerializer, ProtobufTraceSerializer } = require("@opentelemetry/otlp-transformer");
const { ExportTraceServiceRequest: Request, ExportTraceServiceResponse: Response } = root.opentelemetry.proto.collector.trace.v1;
const { Span } = root.opentelemetry.proto.trace.v1;
const { Resource } = root.opentelemetry.proto.resource.v1;
const { InstrumentationScope: Scope } = root.opentelemetry.proto.common.v1;

const IDS = { traceId: 16, spanId: 8, parentSpanId: 8 };
const SAMPLED = 0x01, TRACE_FLAGS = 0x03, HAS_IS_REMOTE = 0x100, IS_REMOTE = 0x200;
const STATE = /^[a-z0-9][a-z0-9_\-*/@]{0,255}=[ -+\--<>-~]{0,255}[!-+\--<>-~](,[a-z0-9][a-z0-9_\-*/@]{0,255}=[ -+\--<>-~]{0,255}[!-+\--<>-~]){0,31}$/;

// ---- no field that they do not know ----

function varint(value, size = 1) {
	const bytes = [];
	for (; value >= 0x80 || bytes.length < size - 1; value = Math.floor(value / 0x80)) bytes.push((value & 0x7f) | 0x80);
	return Buffer.from([...bytes, value]);
}

const field = (number, content, size) => Buffer.concat([Buffer.from([(number << 3) | 2]), varint(content.length, size), content]);

// As the writer does it: three lengths are not known ahead, and have five bytes.
function written(request) {
	return Buffer.concat(request.resourceSpans.map((part) => field(1, Buffer.concat([
		field(1, Resource.encode(part.resource).finish(), 5),
		...part.scopeSpans.map((scope) => field(2, Buffer.concat([field(1, Scope.encode(scope.scope).finish()),
			...scope.spans.map((span) => field(2, Span.encode(span).finish()))]), 5)),
	]), 5)));
}

function readProtobuf(body, faults) {
	const request = Request.decode(body);
	if (!written(request).equals(body)) faults.push("what is written of what was read is not the same bytes");
	return request;
}

// The protobuf mapping, but for ids, which are hexadecimal and not base64; what is empty may be left out.
function mapped(value, name, ids) {
	if (Array.isArray(value)) return value.map((one) => mapped(one, "", ids));
	if (typeof value === "string" && name in IDS) return ids(value);
	if (typeof value !== "object" || value === null) return value;
	const kept = Object.entries(value).filter(([, inner]) => !(Array.isArray(inner) && inner.length === 0));
	return Object.fromEntries(kept.map(([key, inner]) => [key, mapped(inner, key, ids)]));
}

function readJson(body, faults) {
	const given = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
	const plain = mapped(given, "", (hex) => Buffer.from(hex, "hex").toString("base64"));
	const request = Request.fromObject(plain);
	const back = mapped(Request.toObject(request, { longs: String, bytes: String }), "", (text) => Buffer.from(text, "base64").toString("hex"));
	if (!isDeepStrictEqual(back, mapped(given, "", (hex) => hex))) faults.push("what is written of what was read is not the same JSON");
	return request;
}

// ---- what the fields mean ----

function attributes(list, where, faults) {
	const found = new Map();
	for (const { key, value } of list) {
		if (!key || found.has(key)) faults.push(`${where}: a key that is empty or there twice: ${key}`);
		const kinds = Object.keys(value ?? {});
		if (kinds.length !== 1) faults.push(`${where}: ${key} has ${kinds.length} values`);
		found.set(key, value?.[kinds[0]]);
	}
	return found;
}

function idFaults(span, where, faults) {
	for (const [name, size] of Object.entries(IDS)) {
		const id = span[name];
		if (name === "parentSpanId" && !id?.length) continue;
		if (id.length !== size || id.every((byte) => byte === 0)) faults.push(`${where}: ${name} is ${Buffer.from(id).toString("hex")}`);
	}
	if (span.parentSpanId?.length && Buffer.compare(span.parentSpanId, span.spanId) === 0) faults.push(`${where}: it is its own parent`);
}

function timeFaults(span, where, faults) {
	const [start, end] = [BigInt(span.startTimeUnixNano), BigInt(span.endTimeUnixNano)];
	if (start <= 0n || start > end) faults.push(`${where}: ${start} to ${end}`);
	let before = start;
	for (const event of span.events) {
		const at = BigInt(event.timeUnixNano);
		if (at < before || at > end || !event.name) faults.push(`${where}: the event ${event.name} at ${at}`);
		before = at;
		attributes(event.attributes, where, faults);
	}
}

function spanFaults(span, faults) {
	const where = `span ${span.name}`;
	if (!span.name) faults.push("a span without a name");
	idFaults(span, where, faults);
	timeFaults(span, where, faults);
	if (span.kind < 1 || span.kind > 5) faults.push(`${where}: kind ${span.kind}`);
	const parent = span.parentSpanId?.length > 0;
	if (!(span.flags & SAMPLED) || !(span.flags & HAS_IS_REMOTE) || span.flags & ~(TRACE_FLAGS | HAS_IS_REMOTE | IS_REMOTE)
		|| (span.flags & IS_REMOTE && !parent)) faults.push(`${where}: flags ${span.flags}`);
	if (span.traceState && !STATE.test(span.traceState)) faults.push(`${where}: tracestate ${span.traceState}`);
	const found = attributes(span.attributes, where, faults);
	const code = span.status?.code ?? 0;
	if (![0, 2].includes(code) || (code === 2) !== found.has("error.type")) faults.push(`${where}: status ${code}, error.type ${found.get("error.type")}`);
}

function requestFaults(request, seen, faults) {
	for (const { resource, scopeSpans } of request.resourceSpans) {
		const names = attributes(resource.attributes, "resource", faults);
		for (const name of ["service.name", "service.version", "service.instance.id"])
			if (!names.get(name)) faults.push(`resource: no ${name}`);
		for (const { scope, spans } of scopeSpans) {
			if (!scope.name || !spans.length) faults.push("a scope without a name or without spans");
			for (const span of spans) {
				spanFaults(span, faults);
				const id = Buffer.from(span.spanId).toString("hex");
				if (seen.has(id)) faults.push(`span ${span.name}: its id is there twice`);
				seen.set(id, { service: names.get("service.name"), name: span.name, kind: span.kind, failed: span.status?.code === 2,
					events: span.events.length, state: span.traceState ?? "", remote: Boolean(span.flags & IS_REMOTE) });
			}
		}
	}
}

// ---- answers ----

function readAnswer(body, isJson, faults) {
	const answer = (isJson ? JsonTraceSerializer : ProtobufTraceSerializer).deserializeResponse(body);
	if (!isJson && !Buffer.from(Response.encode(Response.decode(body)).finish()).equals(body)) faults.push("an answer of other bytes");
	const { rejectedSpans, errorMessage } = answer.partialSuccess ?? {};
	return { rejected: Number(rejectedSpans ?? 0), message: errorMessage ?? "" };
}

const faults = [], seen = new Map(), answers = [];
for (const { what, type, body } of JSON.parse(readFileSync(0, "utf8"))) {
	const bytes = Buffer.from(body, "base64");
	const isJson = type === "application/json";
	if (!isJson && type !== "application/x-protobuf") faults.push(`type ${type}`);
	try {
		if (what === "answer") answers.push(readAnswer(bytes, isJson, faults));
		else requestFaults((isJson ? readJson : readProtobuf)(bytes, faults), seen, faults);
	} catch (error) {
		faults.push(`${what} of ${bytes.length} bytes: ${error.message}`);
	}
}
console.log(JSON.stringify({ spans: [...seen.values()], faults, answers }));
