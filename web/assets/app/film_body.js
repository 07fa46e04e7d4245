/* The page of a film: the picture, what it is, what can be done with it; around it what TMDB knows beside: a backdrop,
 * trailers, where to watch, the cast, films like it. What is not known takes no room. */
import { tmdbAttribution, tmdbLine } from "../common/attribution.js";
import { h } from "../common/dom.js";
import { icon } from "../common/icons.js";
import { t } from "../common/i18n.js";
import { degradedNote } from "./degraded.js";
import { castSection } from "./film_cast.js";
import { facts, outLinks } from "./film_facts.js";
import { relatedSection } from "./film_related.js";
import { trailers } from "./film_trailers.js";
import { watchSection } from "./film_watch.js";
import { averageText, genreName, runtimeText } from "./film_words.js";
import { heartButton } from "./heart.js";
import { poster, quietPicture, sourceSet } from "./poster.js";
import { href } from "./route.js";
import { toast } from "./toast.js";

const SIZES = "(max-width: 700px) 60vw, 320px";
const BACKDROP_SIZES = "920px";

async function copyLink(film) {
  const address = new URL(href({ movie: film.id }), location.href).href;
  try {
    await navigator.clipboard.writeText(address);
    toast(t("film.copied"));
  } catch {
    toast(address); /* no clipboard on a plain http:// address: at least it can be selected */
  }
}

function backdrop({ backdrop: picture }) {
  if (!picture) return null;
  const box = h("div", { class: "film-backdrop", "aria-hidden": "true" });
  const image = quietPicture(picture.w1280 ?? picture.original, { srcset: sourceSet(picture), sizes: BACKDROP_SIZES });
  image.addEventListener("error", () => box.remove());
  box.append(image);
  return box;
}

function genres(film) {
  return h(
    "ul",
    { class: "chips", role: "list", "aria-label": t("film.genres") },
    film.genres.map((genre) =>
      h("li", {}, h("a", { class: "chip", href: href({ genre: genre.id }), data: { route: "" } }, genreName(genre))),
    ),
  );
}

function overview(film) {
  if (film.overview) return h("p", { class: "film-overview" }, film.overview);
  const word = film.source === "builtin" ? "film.no_overview" : "film.no_overview_tmdb";
  return h("p", { class: "film-overview muted" }, t(word));
}

function actions(film, signal) {
  return h(
    "div",
    { class: "film-actions" },
    heartButton(film, signal, { wide: true }),
    h(
      "button",
      { type: "button", class: "button button-quiet", on: { click: () => copyLink(film) } },
      icon("link"),
      t("film.copy"),
    ),
    outLinks(film),
  );
}

function thanks(film) {
  return h(
    "div",
    { class: "source" },
    film.source === "builtin" ? h("p", {}, t("film.source_builtin")) : tmdbLine(tmdbAttribution),
  );
}

/** @param {import("./films.js").FilmDetails} film
 *  @param {{titleId: string, signal: AbortSignal, again: () => void}} around */
export function filmBody(film, { titleId, signal, again }) {
  const line = [film.year, film.runtime && runtimeText(film.runtime)].filter(Boolean).join(" · ");
  const pictured = { ...film, genre_ids: film.genres.map((genre) => genre.id) };
  const words = h(
    "div",
    { class: "film-words" },
    h("p", { class: "film-line" }, line),
    h("h2", { id: titleId, class: "film-title" }, film.title),
    film.tagline && h("p", { class: "film-tagline" }, film.tagline),
    degradedNote(film.isDegraded, again),
    genres(film),
    film.vote_count > 0 &&
      h("p", { class: "film-votes" }, t("film.votes", { average: averageText(film.vote_average), n: film.vote_count })),
    overview(film),
    actions(film, signal),
    trailers(film.videos?.results ?? []),
    facts(film),
    watchSection(film.watch_providers),
  );
  return h(
    "article",
    { class: "film" },
    backdrop(film),
    h(
      "div",
      { class: "film-main" },
      h("div", { class: "film-poster" }, poster(pictured, { sizes: SIZES, eager: true })),
      words,
    ),
    h("div", { class: "film-more" }, castSection(film.credits?.cast ?? []), relatedSection(film, signal), thanks(film)),
  );
}
