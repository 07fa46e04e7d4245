/* Every problem the API answers with: what it means and what to do. tests/web holds this list against the code. */

/** @typedef {{status: number, code: string, why: string, then: string}} ProblemCode */

/** @type {ProblemCode[]} */
export const problemCodes = [
  {
    status: 400,
    code: "malformed-request",
    why: "The request is not well-formed HTTP, or its path, query or a header holds bytes that are not allowed.",
    then: "Send a valid request.",
  },
  {
    status: 401,
    code: "unauthorized",
    why: "There is no access token, or it has expired, is not ours, or its session has ended.",
    then: "Trade the refresh token at /auth/refresh, or log in again. WWW-Authenticate says what was wrong.",
  },
  {
    status: 401,
    code: "invalid-credentials",
    why: "No account has this e-mail address and password.",
    then: "Check both. Which of the two is wrong is never said.",
  },
  {
    status: 401,
    code: "invalid-refresh-token",
    why: "The refresh token is unknown, expired, or was used before; a used one that comes back ends its session.",
    then: "Log in again.",
  },
  { status: 403, code: "forbidden", why: "The account may not do this.", then: "Use an account that may." },
  { status: 403, code: "account-inactive", why: "The account has been switched off.", then: "Ask the operator." },
  { status: 404, code: "not-found", why: "Nothing is served at this path.", then: "Check the path against this page." },
  { status: 404, code: "movie-not-found", why: "No film has this id.", then: "Take ids from a search." },
  {
    status: 405,
    code: "method-not-allowed",
    why: "This path does not take this method.",
    then: "Use one of those in the Allow header.",
  },
  {
    status: 406,
    code: "not-acceptable",
    why: "None of the types in Accept can be had.",
    then: "Accept application/json.",
  },
  {
    status: 408,
    code: "request-timeout",
    why: "The request did not arrive completely in time.",
    then: "Send it again.",
  },
  { status: 409, code: "conflict", why: "It is there already.", then: "Nothing needs to be done." },
  {
    status: 409,
    code: "email-taken",
    why: "An account with this e-mail address exists; letter case does not make another address.",
    then: "Log in, or use another address.",
  },
  {
    status: 409,
    code: "favorite-exists",
    why: "The film is among the favourites already.",
    then: "Nothing needs to be done.",
  },
  {
    status: 412,
    code: "precondition-failed",
    why: "The file is not in the state the request asks for.",
    then: "Ask without the precondition.",
  },
  { status: 413, code: "content-too-large", why: "The request body is larger than is taken here.", then: "Send less." },
  { status: 414, code: "uri-too-long", why: "The request line is too long.", then: "Shorten the query." },
  {
    status: 415,
    code: "unsupported-media-type",
    why: "The body's Content-Type is not taken here.",
    then: "Send application/json.",
  },
  {
    status: 422,
    code: "validation-failed",
    why: "The request does not fit its description. The member errors lists every violation: loc says where (body, query or path, then the field), type what for programs, msg what for people.",
    then: "Mend every field that is listed.",
  },
  {
    status: 429,
    code: "too-many-requests",
    why: "Too many requests came from this address.",
    then: "Wait for the seconds in Retry-After.",
  },
  {
    status: 431,
    code: "header-fields-too-large",
    why: "The request headers are too large.",
    then: "Send fewer or shorter headers.",
  },
  {
    status: 500,
    code: "internal-error",
    why: "A fault on our side.",
    then: "Report the trace_id; it finds the cause in the logs.",
  },
  {
    status: 501,
    code: "not-implemented",
    why: "The request uses something that is not supported, such as an unknown transfer coding.",
    then: "Send it plainly.",
  },
  {
    status: 502,
    code: "bad-gateway",
    why: "A service behind the gateway cannot be reached or answered nonsense.",
    then: "Try again after the seconds in Retry-After.",
  },
  {
    status: 503,
    code: "unavailable",
    why: "A part of the system is away or starting.",
    then: "Try again after the seconds in Retry-After.",
  },
  {
    status: 503,
    code: "overloaded",
    why: "More is asked than can be done right now, for example too many log-ins at once.",
    then: "Try again after the seconds in Retry-After.",
  },
  {
    status: 503,
    code: "movie-service-unavailable",
    why: "Whether the film exists could not be found out: the movie service is away.",
    then: "Try again after the seconds in Retry-After. Everything else works meanwhile.",
  },
  {
    status: 502,
    code: "upstream-refused",
    why: "TMDB does not take this installation's key, so nothing that was not asked before can be had. The member degraded is true.",
    then: "Trying again will not help: the operator has been told, and must mend TMDB_TOKEN or TMDB_API_KEY.",
  },
  {
    status: 503,
    code: "upstream-unavailable",
    why: "TMDB does not answer, or must not be asked for a while, and this was not asked before. The member degraded is true.",
    then: "Try again after the seconds in Retry-After. Whatever was asked before is still answered, marked with X-Degraded.",
  },
  {
    status: 504,
    code: "deadline-exceeded",
    why: "The answer was not ready within the request's deadline of 10 seconds.",
    then: "Try again.",
  },
];

/** The words of errors[].type in a 422. */
export const violationTypes = [
  ["missing", "A required field is not there."],
  ["extra_forbidden", "A field nobody knows."],
  ["json_invalid", "The body is not JSON, names a field twice, or is nested too deeply."],
  [
    "string_type, int_type, float_type, bool_type, list_type, dict_type",
    "A value of another type; nothing is converted.",
  ],
  ["int_parsing, float_parsing, bool_parsing", "Text in a path, query or form that is not such a value."],
  ["string_too_short, string_too_long", "Counted in characters (Unicode code points)."],
  ["greater_than_equal, less_than_equal", "Out of range."],
  ["too_short, too_long", "Too few or too many items."],
  ["enum", "None of the values that are allowed."],
  ["string_pattern_mismatch", "Does not match the pattern."],
  ["value_error", "Breaks another rule; msg says which."],
];
