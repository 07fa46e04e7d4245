/* What went wrong, in the person's words. */
import { Problem } from "../common/api.js";
import { h } from "../common/dom.js";
import { currentLanguage, hasWord, t } from "../common/i18n.js";
import { linkTrace, traceLink } from "../common/traces.js";

/** One sentence. @param {any} error */
export function problemText(error) {
  if (!(error instanceof Problem)) return t("problem.unknown");
  if (hasWord(`problem.${error.code}`)) return t(`problem.${error.code}`);
  if (error.status === 503 || error.status === 502) return t("problem.unavailable");
  /* The server's own words are English. */
  const said = currentLanguage() === "en" ? error.detail || error.title : "";
  return said || t("problem.unknown");
}

const FIRST_NUMBER = /\d+/;

/** One violation as a sentence. @param {import("../common/api.js").Violation} violation */
export function violationText(violation) {
  const key = `field.${violation.type}`;
  const n = FIRST_NUMBER.exec(violation.msg)?.[0];
  if (hasWord(key)) return t(key, n === undefined ? {} : { n: Number(n) });
  if (violation.loc.at(-1) === "email") return t("field.email");
  if (/^year_(from|to)$/.test(violation.loc.at(-1))) return t("field.years");
  if (/control characters|U\+0000/.test(violation.msg)) return t("field.control");
  return violation.msg.replace(/^Value error, /, "");
}

/** The violations by the name of their field. @returns {Map<string, string>} */
export function violationsByField(error) {
  const found = new Map();
  for (const violation of error?.errors ?? []) {
    const field = String(violation.loc[1] ?? violation.loc[0] ?? "");
    if (!found.has(field)) found.set(field, violationText(violation));
  }
  return found;
}

/** The trace in small print, a link where traces can be seen, or nothing. */
export function traceLine(error) {
  const id = error?.traceId;
  if (!id) return null;
  const text = t("problem.trace", { id });
  return linkTrace(h("p", { class: "trace" }, text), () => [traceLink(id, text)]);
}
