/* The list of facts about a film, and where else on the web it is. */
import { linkOut } from "../common/attribution.js";
import { h, safeUrl } from "../common/dom.js";
import { formatDate, nameOf, t } from "../common/i18n.js";
import { runtimeText } from "./film_words.js";

function fact(label, ...value) {
  return [h("dt", {}, label), h("dd", {}, value)];
}

function certificationFact(code) {
  const key = `cert.${code}`;
  const said = t(key);
  return fact(t("film.certification"), h("span", { class: "certification" }, code), said === key ? null : ` ${said}`);
}

/** @param {import("./films.js").FilmDetails} film */
export function facts(film) {
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

export function outLinks(film) {
  const homepage = film.homepage && safeUrl(film.homepage);
  const imdb = /^tt\d+$/.test(film.imdb_id ?? "") && `https://www.imdb.com/title/${film.imdb_id}/`;
  const look = { class: "button button-quiet" };
  return [homepage && linkOut(homepage, look, t("film.homepage")), imdb && linkOut(imdb, look, t("film.imdb"))];
}
