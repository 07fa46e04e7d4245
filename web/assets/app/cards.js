/* Films as cards in a grid. Arrow keys go from card to card beside Tab. */
import { h } from "../common/dom.js";
import { genreNames } from "./film_words.js";
import { heartButton } from "./heart.js";
import { poster } from "./poster.js";
import { href } from "./route.js";

const SIZES = "(max-width: 560px) 45vw, 200px";

/** @param {import("./films.js").Film} film @param {Partial<import("./route.js").Route>} list where it is shown
 *  @param {AbortSignal} signal @param {{eager?: boolean}} [look] */
export function card(film, list, signal, { eager = false } = {}) {
  const facts = [film.year, genreNames(film.genre_ids)].filter(Boolean).join(" · ");
  return h(
    "li",
    { class: "card", data: { movie: film.id } },
    h(
      "a",
      { class: "card-link", href: href({ ...list, movie: film.id }), data: { route: "" } },
      poster(film, { sizes: SIZES, eager }),
      h("span", { class: "card-title" }, film.title),
      h("span", { class: "card-facts" }, facts),
    ),
    heartButton(film, signal),
  );
}

export function ghostCards(n) {
  return Array.from({ length: n }, () =>
    h(
      "li",
      { class: "card card-ghost", "aria-hidden": "true" },
      h("div", { class: "poster" }),
      h("span", { class: "ghost-line" }),
    ),
  );
}

/* How many cards stand in the first row. */
function columnsOf(links) {
  const top = links[0].getBoundingClientRect().top;
  const next = links.findIndex((link) => Math.abs(link.getBoundingClientRect().top - top) > 4);
  return next < 0 ? links.length : next;
}

/** Lets the arrow keys move over the cards of a grid. @param {HTMLElement} grid */
export function arrowKeys(grid) {
  grid.addEventListener("keydown", (event) => {
    const links = [...grid.querySelectorAll(".card-link")];
    const here = links.indexOf(document.activeElement);
    if (here < 0 || event.metaKey || event.ctrlKey || event.altKey) return;
    const steps = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -columnsOf(links),
      ArrowDown: columnsOf(links),
      Home: -here,
      End: links.length - 1 - here,
    };
    const next = links[here + steps[event.key]];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}
