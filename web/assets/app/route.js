/* Where the person is, as the address says: reload, Back and a sent link all find the same page. */
import { queryString } from "../common/api.js";
import { Emitter } from "../common/dom.js";

/** @typedef {{q: string, year: string, genre: string, from: string, to: string, sort: string,
 *  view: ""|"favorites", movie: string}} Route  Everything as text; empty: not set. */

const NAMES = ["q", "year", "genre", "from", "to", "sort", "view", "movie"];
const changes = new Emitter();
/** How many entries of the history this page has put on top of the one it was opened with. */
const depth = () => history.state?.depth ?? 0;

/** @returns {Route} */
export function route() {
  const query = new URLSearchParams(location.search);
  const found = Object.fromEntries(NAMES.map((name) => [name, query.get(name)?.slice(0, 200) ?? ""]));
  if (!/^\d{1,10}$/.test(found.movie)) found.movie = "";
  if (found.view !== "favorites") found.view = "";
  return found;
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
  else history.pushState({ depth: depth() + 1 }, "", address);
  changes.emit(route());
}

/** One step back if that stays on this page, otherwise to these parts. @param {Partial<Route>} parts */
export function backOr(parts) {
  if (depth() > 0) history.back();
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
  go(Object.fromEntries(new URL(link.href).searchParams));
});
