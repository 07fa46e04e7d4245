/* A film, opened: a dialog over the list it was found in. Its address is the list's with &movie=ID. */
import { fill, h, safeUrl, uniqueId } from "../common/dom.js";
import { icon } from "../common/icons.js";
import { formatDate, nameOf, t } from "../common/i18n.js";
import { openDialog } from "./dialog.js";
import { failureNote } from "./failure.js";
import { averageText, filmDetails, genreName, runtimeText } from "./films.js";
import { heartButton } from "./heart.js";
import { poster } from "./poster.js";
import { backOr, href, route } from "./route.js";
import { toast } from "./toast.js";

const SIZES = "(max-width: 700px) 60vw, 320px";

function fact(label, ...value) {
  return [h("dt", {}, label), h("dd", {}, value)];
}

function certificationFact(code) {
  const key = `cert.${code}`;
  const said = t(key);
  return fact(t("film.certification"), h("span", { class: "certification" }, code), said === key ? null : ` ${said}`);
}

/** @param {import("./films.js").FilmDetails} film */
function facts(film) {
  const names = (type, codes) => codes.map((code) => nameOf(type, code)).join(", ");
  return h(
    "dl",
    { class: "facts" },
    film.directors.length > 0 && fact(t("film.directors", { n: film.directors.length }), film.directors.join(", ")),
    film.release_date && fact(t("film.released"), formatDate(film.release_date)),
    film.runtime && fact(t("film.runtime"), runtimeText(film.runtime)),
    film.certification && certificationFact(film.certification),
    film.original_title && film.original_title !== film.title && fact(t("film.original_title"), film.original_title),
    film.production_companies.length > 0 &&
      fact(
        t("film.companies"),
        film.production_companies
          .slice(0, 4)
          .map((company) => company.name)
          .join(", "),
      ),
    film.spoken_languages.length > 0 && fact(t("film.languages"), names("language", film.spoken_languages)),
    film.origin_country.length > 0 && fact(t("film.countries"), names("region", film.origin_country)),
  );
}

function links(film) {
  const homepage = film.homepage && safeUrl(film.homepage);
  const imdb = /^tt\d+$/.test(film.imdb_id ?? "") && `https://www.imdb.com/title/${film.imdb_id}/`;
  const out = { target: "_blank", rel: "noopener noreferrer" };
  return [
    homepage && h("a", { href: homepage, ...out, class: "button button-quiet" }, t("film.homepage")),
    imdb && h("a", { href: imdb, ...out, class: "button button-quiet" }, t("film.imdb")),
  ];
}

async function copyLink(film) {
  const address = new URL(href({ movie: film.id }), location.href).href;
  try {
    await navigator.clipboard.writeText(address);
    toast(t("film.copied"));
  } catch {
    toast(address); /* no clipboard on a plain http:// address: at least it can be selected */
  }
}

/** @param {import("./films.js").FilmDetails} film @param {string} titleId @param {AbortSignal} signal */
function body(film, titleId, signal) {
  const line = [film.year, film.runtime && runtimeText(film.runtime)].filter(Boolean).join(" · ");
  const pictured = { ...film, genre_ids: film.genres.map((genre) => genre.id) };
  return h(
    "article",
    { class: "film" },
    h("div", { class: "film-poster" }, poster(pictured, { sizes: SIZES, eager: true })),
    h(
      "div",
      { class: "film-words" },
      h("p", { class: "film-line" }, line),
      h("h2", { id: titleId, class: "film-title" }, film.title),
      film.tagline && h("p", { class: "film-tagline" }, film.tagline),
      h(
        "ul",
        { class: "chips", role: "list", "aria-label": t("film.genres") },
        film.genres.map((genre) =>
          h(
            "li",
            {},
            h("a", { class: "chip", href: href({ genre: genre.id }), data: { route: "" } }, genreName(genre)),
          ),
        ),
      ),
      film.vote_count > 0 &&
        h(
          "p",
          { class: "film-votes" },
          t("film.votes", { average: averageText(film.vote_average), n: film.vote_count }),
        ),
      film.overview
        ? h("p", { class: "film-overview" }, film.overview)
        : h(
            "p",
            { class: "film-overview muted" },
            t(film.source === "builtin" ? "film.no_overview" : "film.no_overview_tmdb"),
          ),
      h(
        "div",
        { class: "film-actions" },
        heartButton(film, signal, { wide: true }),
        h(
          "button",
          { type: "button", class: "button button-quiet", on: { click: () => copyLink(film) } },
          icon("link"),
          t("film.copy"),
        ),
        links(film),
      ),
      facts(film),
      h("p", { class: "source" }, t(film.source === "tmdb" ? "film.source_tmdb" : "film.source_builtin")),
    ),
  );
}

function loading(titleId) {
  return h(
    "div",
    { class: "film film-ghost" },
    h("div", { class: "film-poster" }, h("div", { class: "poster" })),
    h("p", { id: titleId, class: "muted" }, t("loading")),
  );
}

/* Loads into the box, until it works or the signal ends it. */
async function load(id, box, titleId, signal, onTitle) {
  box.setAttribute("aria-busy", "true");
  fill(box, loading(titleId));
  try {
    const film = await filmDetails(id, signal);
    if (signal.aborted) return;
    fill(box, body(film, titleId, signal));
    onTitle(film.title);
  } catch (error) {
    if (signal.aborted) return;
    fill(
      box,
      failureNote(error, () => load(id, box, titleId, signal, onTitle), signal),
    );
  }
  box.removeAttribute("aria-busy");
}

/** Shows the film the address names, or none.
 *  @param {{signal: AbortSignal, onTitle: (title: string) => void}} around */
export function filmDialog({ signal, onTitle }) {
  /** @type {{id: string, dialog: HTMLDialogElement, life: AbortController}|null} */
  let shown = null;

  /* The close event comes late: by then another film may be open. */
  function closed(opening) {
    opening.life.abort();
    if (shown !== opening) return;
    shown = null;
    onTitle("");
    if (route().movie === opening.id) backOr({ ...route(), movie: "" });
  }

  function open(id) {
    const titleId = uniqueId("film");
    const box = h("div", { class: "film-box" });
    const opening = { id, dialog: null, life: new AbortController() };
    opening.dialog = openDialog({ className: "dialog-film", labelledBy: titleId, onClose: () => closed(opening) }, box);
    shown = opening;
    load(id, box, titleId, opening.life.signal, onTitle);
  }

  function leave() {
    const left = shown;
    shown = null;
    left?.life.abort();
    left?.dialog.close();
  }

  signal.addEventListener("abort", leave, { once: true });
  return {
    /** @param {import("./route.js").Route} now */
    show(now) {
      if (now.movie === (shown?.id ?? "")) return;
      leave();
      onTitle("");
      if (now.movie) open(now.movie);
    },
  };
}
