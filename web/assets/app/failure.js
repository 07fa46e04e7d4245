/* What stands in the place of something that could not be had: the reason, the trace, and a way on. When the server said
 * when to come back (or the network is away), it is asked again by itself, with the seconds counted down. */
import { Problem } from "../common/api.js";
import { fill, h } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { problemText, traceLine, violationsByField } from "./problem_words.js";

const AGAIN_S = 5;
const AGAIN_MAX_S = 60;

/** @param {any} error @param {() => void} retry @param {AbortSignal} signal ends the countdown */
export function failureNote(error, retry, signal) {
  const countdown = h("p", { class: "failure-wait" });
  const note = h(
    "div",
    { class: "failure", role: "alert" },
    h("p", { class: "failure-text" }, problemText(error)),
    [...violationsByField(error).values()].map((text) => h("p", {}, text)),
    countdown,
    error.status !== 404 && h("button", { type: "button", class: "button", on: { click: retry } }, t("retry")),
    traceLine(error),
  );
  if (!(error instanceof Problem) || !error.isPassing) return note;

  let left = Math.min(Math.max(1, error.retryAfterS ?? AGAIN_S), AGAIN_MAX_S);
  const show = () => fill(countdown, t("problem.wait", { n: left }));
  const timer = setInterval(() => {
    left--;
    if (left > 0 && note.isConnected) return show();
    clearInterval(timer);
    if (note.isConnected) retry();
  }, 1000);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  show();
  /* The seconds are for the eye; read out once is enough. */
  countdown.setAttribute("aria-live", "off");
  return note;
}
