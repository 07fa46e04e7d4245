/* Where the person is, as the address says: reload, Back and a sent link all find the same page. */
import { queryString } from "../common/api.js";
import { Emitter } from "../common/dom.js";

/** @typedef {{q: string, year: string, list: string, genre: string, match: ""|"any", from: string, to: string,
 *  rating: string, time: string, sort: string, view: ""|"favorites", movie: string}} Route
 *  Everything as text; empty: not set. `genre`: ids, parted by commas; `match`: "any" of them instead of all;
 *  `time`: minutes, "90-120", "-90", "120-". */

/** The lists of the day. */
export const LISTS = ["trending", "now-playing", "popular", "top-rated", "upcoming"];
const FILTERS = ["genre", "match", "from", "to", "rating", "time", "sort"];
const NAMES = ["q", "year", "list", ...FILTERS, "view", "movie"];
const SHAPES = {
  movie: /^\d{1,10}$/,
  genre: /^\d{1,9}(,\d{1,9}){0,18}$/,
  match: /^any$/,
  rating: /^\d$/,
  time: /^(\d{1,3}-\d{0,3}|-\d{1,3})$/,
  list: new RegExp(`^(${LISTS.join("|")})$`),
  view: /^favorites$/,
};
const changes = new Emitter();
/** How many entries of the history this page has put on top of the one it was opened with. */
const depth = () => history.state?.depth ?? 0;
/** How many of the last entries, this one among them, show a film: one film may lead to another. */
const films = () => history.state?.films ?? (route().movie ? 1 : 0);

/** @returns {Route} */
export function route() {
  const query = new URLSearchParams(location.search);
  const found = Object.fromEntries(NAMES.map((name) => [name, query.get(name)?.slice(0, 200) ?? ""]));
  for (const [name, shape] of Object.entries(SHAPES)) if (!shape.test(found[name])) found[name] = "";
  return found;
}

/** Whether a filter of discovering is set. @param {Route} parts */
export function isFiltered(parts) {
  return FILTERS.some((name) => parts[name]);
}

/** The address of a route. @param {Partial<Route>} parts what is left out is empty */
export function href(parts) {
  return `/${queryString(Object.fromEntries(NAMES.map((name) => [name, parts[name]])))}`;
}

/** The address of here with something changed. @param {Partial<Route>} patch */
export function hrefWith(patch) {
  return href({ ...route(), ...patch });
}

/** Goes there. @param {Partial<Route>} parts @param {{replace?: boolean}} [how] replace: no step for Back */
export function go(parts, { replace = false } = {}) {
  const address = href(parts);
  if (address === location.pathname + location.search) return;
  if (replace) history.replaceState({ depth: depth() }, "", address);
  else history.pushState({ depth: depth() + 1, films: parts.movie ? films() + 1 : 0 }, "", address);
  changes.emit(route());
}

/** Back to before the film, and the films that led to it, if that stays on this page; otherwise to these parts.
 *  @param {Partial<Route>} parts */
export function leaveFilm(parts) {
  const steps = films();
  if (steps > 0 && depth() >= steps) history.go(-steps);
  else go(parts, { replace: true });
}

/** @param {(route: Route) => void} listener @param {AbortSignal} [signal] */
export function onRoute(listener, signal) {
  changes.listen(listener, signal);
}

window.addEventListener("popstate", () => changes.emit(route()));

/* Links inside the page are real links (they open in a new tab, too); a plain click on one is answered here. */
document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a[data-route]") : null;
  if (
    !link ||
    event.defaultPrevented ||
    event.button !== 0 ||
    event.metaKey ||
    event.ctrlKey ||
    event.shiftKey ||
    event.altKey
  )
    return;
  event.preventDefault();
  const parts = Object.fromEntries(new URL(link.href).searchParams);
  go(parts);
  if (!parts.movie) window.scrollTo(0, 0); /* another list begins at its head; a film lies over the list it is in */
});
