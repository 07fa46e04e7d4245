/* Films that go with this one: what its viewers liked as well, or, when nobody knows that, films like it. */
import { h } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { card } from "./cards.js";
import { similarFilms } from "./films.js";
import { route } from "./route.js";
import { rowSection, stripOf } from "./rows.js";

function row(title, films, signal) {
  return rowSection(title, stripOf(films.map((film) => card(film, route(), signal))), { level: "h3" });
}

/** @param {import("./films.js").FilmDetails} film @param {AbortSignal} signal
 *  @returns {HTMLElement} filled by itself */
export function relatedSection(film, signal) {
  const box = h("div", { class: "related" });
  const recommended = film.recommendations?.results ?? [];
  if (recommended.length > 0) {
    box.append(row(t("film.recommendations"), recommended, signal));
    return box;
  }
  similarFilms(film.id, signal)
    .then((films) => films.length > 0 && box.append(row(t("film.similar"), films, signal)))
    .catch(() => {
      /* The film is there; it does without. */
    });
  return box;
}
