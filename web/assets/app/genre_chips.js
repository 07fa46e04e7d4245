/* The genres as chips, as many as one likes. */
import { fill, h } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { genreName } from "./film_words.js";
import { genreList } from "./films.js";
import { hrefWith, route } from "./route.js";

const TV_MOVIE = 10770;
const ELSEWHERE = { list: "", movie: "" };

const idsOf = (now) => now.genre.split(",").filter(Boolean);

/* The address with that genre on, or off when it is on. */
function hrefToggled(now, id) {
  const ids = idsOf(now);
  const next = ids.includes(id) ? ids.filter((one) => one !== id) : [...ids, id];
  return hrefWith({ genre: next.join(","), match: next.length > 1 ? now.match : "", ...ELSEWHERE });
}

function chip(label, address, isOn) {
  const look = { class: "chip", href: address, data: { route: "" }, "aria-current": isOn ? "true" : null };
  return h("li", {}, h("a", look, label));
}

/** @param {AbortSignal} signal @returns {{element: HTMLElement, show: (now: import("./route.js").Route) => void}} */
export function genreChips(signal) {
  const element = h("ul", { class: "chips genre-chips", role: "list", "aria-label": t("discover.genres") });
  let genres = [];

  function chips(now) {
    const ids = idsOf(now);
    return [
      chip(t("discover.all"), hrefWith({ genre: "", match: "", ...ELSEWHERE }), ids.length === 0 && !now.list),
      genres.map((genre) => chip(genreName(genre), hrefToggled(now, String(genre.id)), ids.includes(String(genre.id)))),
    ];
  }

  function show(now) {
    const place = [...element.querySelectorAll("a")].indexOf(document.activeElement);
    fill(element, genres.length > 0 && chips(now));
    if (place >= 0) element.querySelectorAll("a")[place]?.focus();
  }

  genreList(signal)
    .then((list) => {
      genres = list
        .filter((genre) => genre.id !== TV_MOVIE)
        .sort((a, b) => genreName(a).localeCompare(genreName(b), document.documentElement.lang));
      show(route());
    })
    .catch(() => {
      /* The films say what is wrong; without genres there are no chips. */
    });
  return { element, show };
}
