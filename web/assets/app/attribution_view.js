/* Whose data it is, at the foot of the page of films. The configuration has the words; while it cannot be had, what is
 * known of the source decides. */
import { attributionLines, tmdbAttribution } from "../common/attribution.js";
import { fill, h } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { configuration } from "./films.js";
import { onSource, source } from "./source.js";

/** @param {AbortSignal} signal @returns {HTMLElement} */
export function attributionView(signal) {
  const box = h("div", { class: "attribution" });
  let isKnown = false;

  function showGuess() {
    if (source() === "tmdb") fill(box, attributionLines(tmdbAttribution));
    else if (source() === "builtin") fill(box, h("p", {}, t("film.source_builtin")));
  }

  async function load() {
    try {
      const { attribution } = await configuration(signal);
      if (signal.aborted || !attribution) return;
      isKnown = true;
      fill(box, attributionLines(attribution));
    } catch {
      if (!signal.aborted) showGuess();
    }
  }

  const learn = () => {
    showGuess();
    load();
  };
  onSource(() => isKnown || learn(), signal);
  load();
  return box;
}
