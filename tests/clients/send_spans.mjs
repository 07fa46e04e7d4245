// Sends spans as an application in JavaScript does: OpenTelemetry's SDK and its exporter. Prints the spans' ids, and what the exporter said.
//
// usage: node send_spans.mjs proto|http URL, where URL ends in /v1/traces
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const [which, url] = process.argv.slice(2);
const { BasicTracerProvider, BatchSpanProcessor } = require("@opentelemetry/sdk-trace-base");
const { resourceFromAttributes } = require("@opentelemetry/resources");
const { OTLPTraceExporter } = require(`@opentelemetry/exporter-trace-otlp-${which}`);
const { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, createTraceState, diag, trace } = require("@opentelemetry/api");

const said = [];
const say = (level) => (...words) => said.push(`${level}: ${words.join(" ")}`);
diag.setLogger({ error: say("error"), warn: say("warn"), info() {}, debug() {}, verbose() {} });

const exporter = new OTLPTraceExporter({ url });
const provider = new BasicTracerProvider({
	resource: resourceFromAttributes({ "service.name": "js-shop", "service.version": "1.2.3" }),
	spanProcessors: [new BatchSpanProcessor(exporter)],
});
const tracer = provider.getTracer("js-shop-scope", "4.5.6");

const remote = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", traceFlags: TraceFlags.SAMPLED, isRemote: true,
	traceState: createTraceState("a=1,b=2") };
const caller = trace.setSpanContext(ROOT_CONTEXT, remote);
const other = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", traceFlags: TraceFlags.SAMPLED };

const served = tracer.startSpan("GET /basket", {
	kind: SpanKind.SERVER,
	startTime: [1790000000, 123456789],
	attributes: { text: "кино \u{1F3AC} \"quoted\"", whole: 42, negative: -7, large: Number.MAX_SAFE_INTEGER, part: 0.25, yes: true, no: false,
		texts: ["a", "b"], numbers: [1, 2.5], empty: "" },
	links: [{ context: other, attributes: { why: "it caused this" } }],
}, caller);
served.addEvent("cache miss", { key: "basket" }, [1790000000, 200000000]);
const inside = tracer.startSpan("SELECT", { kind: SpanKind.CLIENT, startTime: [1790000000, 300000000] }, trace.setSpan(caller, served));
inside.recordException(new TypeError("no such table"), [1790000000, 350000000]);
inside.setStatus({ code: SpanStatusCode.ERROR, message: "no such table" });
inside.end([1790000000, 400000000]);
served.setStatus({ code: SpanStatusCode.OK });
served.end([1790000001, 123456789]);
for (let n = 0; n < 600; n++) tracer.startSpan(`turn ${n}`).end(); // more than one batch

await provider.forceFlush();
await provider.shutdown();
console.log(JSON.stringify({ trace: remote.traceId, parent: remote.spanId, served: served.spanContext().spanId, inside: inside.spanContext().spanId, said }));
