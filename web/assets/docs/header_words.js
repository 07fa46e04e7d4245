/* What the headers of an answer mean, for those who look at one. */

/** @type {Object<string, string>} by lower-case name */
export const headerWords = {
  age: "Seconds since this answer was got from the source of films; 0 for a new one.",
  allow: "The methods this path takes.",
  "cache-status": "How the gateway's cache had a part in it (RFC 9211): hit, or fwd and why the service was asked; ttl in seconds.",
  etag: "The version of this answer: send it as If-None-Match, and an unchanged answer comes as 304 without a body.",
  location: "Where what was made can be found.",
  "retry-after": "Seconds to wait before the next try.",
  "server-timing": "Where the time went, in milliseconds.",
  vary: "The request headers this answer depends on.",
  "www-authenticate": "What was wrong with the token.",
  "x-cache":
    "HIT: it was known (level: edge the gateway, l1 this process, l2 Redis, source the films in memory). MISS: the source was asked just now. REVALIDATED: the source said it is still good. STALE: it is older than it should be, and the source did not answer.",
  "x-degraded": "true: TMDB does not answer, and this is from what was seen before. Not there on whole answers.",
  traceresponse: "The trace of this request and the gateway's span in it (W3C Trace Context, level 2).",
  "x-request-id": "Finds the request in the logs, and its trace at /traces#ID where there is a collector; equals trace_id in a problem.",
};

/** What stands in the text about answers. */
export const headersOfFilms = ["X-Cache", "Age", "X-Degraded"];
