/* Trailers, as links to where they are: nothing is embedded, as that would tell the site who looks at which film. */
import { linkOut } from "../common/attribution.js";
import { h, safeUrl } from "../common/dom.js";
import { icon } from "../common/icons.js";
import { t } from "../common/i18n.js";

const SHOWN_MAX = 3;
const TYPES = ["Trailer", "Teaser"];

const rank = (video) => TYPES.indexOf(video.type) * 2 + (video.official ? 0 : 1);

/** @param {import("./films.js").Video[]} videos */
export function trailers(videos) {
  const best = videos
    .filter((video) => TYPES.includes(video.type) && video.url && safeUrl(video.url))
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, SHOWN_MAX);
  if (best.length === 0) return null;
  return h(
    "ul",
    { class: "trailers", role: "list", "aria-label": t("film.trailers") },
    best.map((video) =>
      h(
        "li",
        {},
        linkOut(
          video.url,
          { class: "button trailer" },
          icon("play"),
          h("span", { class: "trailer-name" }, video.name || t("film.trailer")),
          h("span", { class: "muted trailer-site" }, video.site),
        ),
      ),
    ),
  );
}
