/* The pictures of films. A poster is the source's, or one drawn here when there is none or it does not load; all others
 * just go when they do not load. A favourite knows only the path of its poster, every other film the addresses. */
import { h } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { drawArt } from "./art.js";

const IMAGES = "https://image.tmdb.org/t/p";

/** @typedef {{id: number, title: string, year: number|null, poster?: Object<string, string>|null,
 *  poster_path: string|null, genre_ids: number[]}} PosterFilm */

/** "w342": 342; 0 when the size says no width ("original", "h632"). */
const widthOf = (size) => Number(/^w(\d+)$/.exec(size)?.[1] ?? 0);

/** For srcset: every size that says its width. @param {Object<string, string>} picture addresses by size */
export function sourceSet(picture) {
  return Object.entries(picture)
    .filter(([size, url]) => widthOf(size) > 0 && url)
    .map(([size, url]) => `${url} ${widthOf(size)}w`)
    .join(", ");
}

/** A picture that is no loss when it does not load.
 *  @param {string} url @param {import("../common/dom.js").Props} props */
export function quietPicture(url, props) {
  const picture = h("img", {
    alt: "",
    decoding: "async",
    loading: "lazy",
    ...props,
    on: { error: () => picture.remove() },
    src: url,
  });
  return picture;
}

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

/** @param {PosterFilm} film */
function addressesOf({ poster: addresses, poster_path }) {
  if (addresses) return addresses;
  if (!/^\/[\w.-]+$/.test(poster_path ?? "")) return null;
  return Object.fromEntries([185, 342, 500].map((width) => [`w${width}`, `${IMAGES}/w${width}${poster_path}`]));
}

/** @param {PosterFilm} film @param {{sizes: string, eager?: boolean}} how */
export function poster(film, { sizes, eager = false }) {
  const box = h("div", { class: "poster" });
  const addresses = addressesOf(film);
  const draw = () => {
    box.classList.add("poster-drawn");
    box.replaceChildren(drawn(film));
  };
  if (!addresses) {
    draw();
    return box;
  }
  box.append(
    h("img", {
      alt: t("film.poster", { title: film.title }),
      decoding: "async",
      loading: eager ? "eager" : "lazy",
      width: 342,
      height: 513,
      sizes,
      srcset: sourceSet(addresses),
      on: { error: draw },
      src: addresses.w342 ?? addresses.original,
    }),
  );
  return box;
}
