/* A trace as Jaeger's API gives it becomes a tree with everything the views ask for: depths, own time, the critical path.
 * Times are microseconds. */

/** @typedef {{key: string, type: string, value: string|number|boolean}} Tag
 *  @typedef {{from: number, to: number}} Part
 *  @typedef {{id: string, parent: Span|null, children: Span[], service: string, operation: string, kind: string,
 *  start: number, end: number, duration: number, depth: number, isError: boolean, tags: Tag[], warnings: string[],
 *  events: {at: number, name: string, fields: Tag[]}[], links: {traceID: string, spanID: string}[], process: Tag[],
 *  own: Part[], critical: Part[]}} Span
 *  @typedef {{id: string, spans: Span[], roots: Span[], root: Span, start: number, end: number, duration: number,
 *  services: string[], errors: number, warnings: string[]}} Trace */

function tagOf(tags, key) {
  return tags.find((tag) => tag.key === key)?.value;
}

function eventOf(log) {
  const fields = log.fields.filter((field) => field.key !== "event");
  return { at: log.timestamp, name: String(tagOf(log.fields, "event") ?? ""), fields };
}

/** @returns {Span} without its place in the tree */
function spanOf(raw, processes) {
  const process = processes[raw.processID] ?? { serviceName: "?", tags: [] };
  return {
    id: raw.spanID,
    parent: null,
    children: [],
    service: process.serviceName,
    operation: raw.operationName,
    kind: String(tagOf(raw.tags, "span.kind") ?? ""),
    start: raw.startTime,
    end: raw.startTime + raw.duration,
    duration: raw.duration,
    depth: 0,
    isError: tagOf(raw.tags, "error") === true,
    tags: raw.tags,
    warnings: raw.warnings ?? [],
    events: raw.logs.map(eventOf),
    links: raw.references.filter((one) => one.refType === "FOLLOWS_FROM"),
    process: process.tags ?? [],
    own: [],
    critical: [],
  };
}

/* A span may name a parent that never came, or (from a sender gone wrong) itself. */
function join(raws, spans) {
  const byId = new Map(spans.map((span) => [span.id, span]));
  raws.forEach((raw, i) => {
    const parentId = raw.references.find((one) => one.refType === "CHILD_OF")?.spanID;
    const parent = byId.get(parentId) ?? null;
    for (let above = parent; above; above = above.parent) if (above === spans[i]) return;
    spans[i].parent = parent;
    parent?.children.push(spans[i]);
  });
}

/** Depth first, as they are shown. @returns {Span[]} */
function inOrder(roots) {
  const list = [];
  const stack = [...roots].reverse();
  while (stack.length > 0) {
    const span = stack.pop();
    span.depth = span.parent ? span.parent.depth + 1 : 0;
    list.push(span);
    for (let i = span.children.length - 1; i >= 0; i--) stack.push(span.children[i]);
  }
  return list;
}

/** What of the span no child covers: its own time, the gaps between its children. @returns {Part[]} */
function ownTime(span) {
  const parts = [];
  let at = span.start;
  for (const child of span.children) {
    if (child.start >= span.end) break;
    if (child.start > at) parts.push({ from: at, to: child.start });
    at = Math.max(at, Math.min(child.end, span.end));
  }
  if (at < span.end || span.duration === 0) parts.push({ from: at, to: span.end });
  return parts;
}

/* From the end back: whoever ended last before that moment was waited for; who ran beside them was not. What outlives its
 * parent across a queue, such as a mail, nobody waits for. */
function walkBack(span, until) {
  const last = Math.min(span.end, until);
  let at = last;
  const children = span.children
    .filter((child) => !(child.end > span.end && /^(?:consumer|producer)$/.test(child.kind)))
    .map((child) => ({ child, end: Math.min(child.end, last) }))
    .sort((a, b) => b.end - a.end);
  for (const { child, end } of children) {
    if (end > at || child.start >= at || child.start < span.start) continue;
    if (end < at) span.critical.push({ from: end, to: at });
    walkBack(child, end);
    at = child.start;
  }
  if (at > span.start) span.critical.push({ from: span.start, to: at });
}

/** @param {any} raw one of `data` @returns {Trace} */
export function traceOf(raw) {
  const spans = raw.spans.map((span) => spanOf(span, raw.processes));
  join(raw.spans, spans);
  const roots = spans.filter((span) => span.parent === null);
  const root = roots[0];
  const ordered = inOrder(roots);
  for (const span of ordered) span.own = ownTime(span);
  walkBack(root, root.end);
  const start = Math.min(...ordered.map((span) => span.start));
  const end = ordered.reduce((latest, span) => Math.max(latest, span.end), start);
  return {
    id: raw.traceID,
    spans: ordered,
    roots,
    root,
    start,
    end,
    duration: end - start,
    services: [...new Set(ordered.map((span) => span.service))],
    errors: ordered.filter((span) => span.isError).length,
    warnings: raw.warnings ?? [],
  };
}

/** How much of the critical path each service has, the most first. @param {Trace} trace */
export function criticalByService(trace) {
  const sums = new Map();
  for (const span of trace.spans) {
    const sum = span.critical.reduce((total, part) => total + part.to - part.from, 0);
    if (sum > 0) sums.set(span.service, (sums.get(span.service) ?? 0) + sum);
  }
  return [...sums].map(([service, time]) => ({ service, time })).sort((a, b) => b.time - a.time);
}

/** "movie" of "cinesync-movie". */
export function shortName(service) {
  return service.replace(/^cinesync-/, "");
}
