// An ExportTraceServiceRequest with every field that the protocol has, by OpenTelemetry's own message classes: prints it in base64.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const root = require("@opentelemetry/otlp-transformer/build/src/generated/root.js");
const { ExportTraceServiceRequest: Request } = root.opentelemetry.proto.collector.trace.v1;

const bytes = (hex) => Buffer.from(hex, "hex");
const text = (key, value) => ({ key, value: { stringValue: value } });
const attributes = [text("text", "x"), { key: "yes", value: { boolValue: true } }, { key: "least", value: { intValue: "-9223372036854775808" } },
	{ key: "part", value: { doubleValue: 1e300 } }, { key: "list", value: { arrayValue: { values: [{ intValue: 1 }, { stringValue: "two" }] } } },
	{ key: "map", value: { kvlistValue: { values: [text("inner", "y")] } } }, { key: "bytes", value: { bytesValue: Buffer.from([0, 1, 255]) } },
	{ key: "nothing", value: {} }];
const span = {
	traceId: bytes("ab".repeat(16)), spanId: bytes("cd".repeat(8)), parentSpanId: bytes("ef".repeat(8)), traceState: "a=1", flags: 0x301,
	name: "everything", kind: 5, startTimeUnixNano: "1790000000000000000", endTimeUnixNano: "1790000000005000000", attributes,
	droppedAttributesCount: 3, droppedEventsCount: 4, droppedLinksCount: 5, status: { code: 2, message: "broken" },
	events: [{ timeUnixNano: "1790000000001000000", name: "moment", attributes: [text("at", "once")], droppedAttributesCount: 1 }],
	links: [{ traceId: bytes("12".repeat(16)), spanId: bytes("34".repeat(8)), traceState: "b=2", attributes: [text("of", "a link")], flags: 1 }],
};
const nameless = { ...span, traceId: Buffer.alloc(0), name: "without an id" };
const request = { resourceSpans: [{ resource: { attributes: [text("service.name", "everything")], droppedAttributesCount: 1 }, schemaUrl: "https://example.org/a",
	scopeSpans: [{ scope: { name: "scope", version: "1", attributes: [text("a", "b")] }, spans: [span, nameless], schemaUrl: "https://example.org/b" }] }] };
console.log(Buffer.from(Request.encode(Request.fromObject(request)).finish()).toString("base64"));
