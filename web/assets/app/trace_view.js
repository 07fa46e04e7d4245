/* At the foot of the page: the way to the trace of what the API answered last. Whether there is one is asked when somebody comes
 * to look; nobody else's console gets a 404 for it. */
import { lastAnswer, onAnswer } from "../common/api.js";
import { fill, h } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { hasTraces, traceLink } from "../common/traces.js";

export function traceView(signal) {
  const place = h("p", { class: "footer-trace" });
  const show = () => lastAnswer() && fill(place, traceLink(lastAnswer(), t("app.trace")));
  const eye = new IntersectionObserver((seen) => {
    if (!seen.some((one) => one.isIntersecting)) return;
    eye.disconnect();
    hasTraces().then((is) => {
      if (!is || signal.aborted) return;
      show();
      onAnswer(show, signal);
    });
  });
  eye.observe(place);
  signal.addEventListener("abort", () => eye.disconnect(), { once: true });
  return place;
}
