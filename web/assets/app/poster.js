/* The picture of a film: its poster, or one drawn here when there is none or it does not load. */
import { h } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { drawArt } from "./art.js";

const IMAGES = "https://image.tmdb.org/t/p";

/** @typedef {{id: number, title: string, year: number|null, poster_path: string|null, genre_ids: number[]}} PosterFilm */

function sizeClass(title) {
  const longestWord = Math.max(...title.split(/\s+/).map((word) => word.length));
  if (title.length > 42 || longestWord > 13) return "art-small";
  return title.length > 20 || longestWord > 9 ? "art-medium" : "art-large";
}

/** @param {PosterFilm} film */
function drawn(film) {
  const { picture, colours } = drawArt(film);
  return h(
    "div",
    { class: `art ${sizeClass(film.title)}`, css: colours, "aria-hidden": "true" },
    picture,
    h(
      "div",
      { class: "art-words" },
      h("span", { class: "art-title" }, film.title),
      film.year && h("span", { class: "art-year" }, film.year),
    ),
  );
}

/** @param {PosterFilm} film @param {{sizes: string, eager?: boolean}} how */
export function poster(film, { sizes, eager = false }) {
  const box = h("div", { class: "poster" });
  if (!/^\/[\w.-]+$/.test(film.poster_path ?? "")) {
    box.classList.add("poster-drawn");
    box.append(drawn(film));
    return box;
  }
  const at = (width) => `${IMAGES}/w${width}${film.poster_path}`;
  box.append(
    h("img", {
      alt: t("film.poster", { title: film.title }),
      src: at(342),
      sizes,
      srcset: [185, 342, 500, 780].map((width) => `${at(width)} ${width}w`).join(", "),
      width: 342,
      height: 513,
      decoding: "async",
      loading: eager ? "eager" : "lazy",
      on: {
        error: () => {
          box.classList.add("poster-drawn");
          box.replaceChildren(drawn(film));
        },
      },
    }),
  );
  return box;
}
