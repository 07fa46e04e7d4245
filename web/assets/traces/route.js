/* What is shown follows from the address: ?service=&operation=&status=&min=&text=&view=, and #TRACEID for one trace. */

/** @typedef {{view: string, service: string, operation: string, status: string, min: string, text: string, limit: string,
 *  trace: string}} Route */

const NAMES = ["view", "service", "operation", "status", "min", "text", "limit"];
let onChange = () => {};

/** @returns {Route} */
export function route() {
  const query = new URLSearchParams(location.search);
  const hash = decodeURIComponent(location.hash.slice(1)).toLowerCase();
  return {
    ...Object.fromEntries(NAMES.map((name) => [name, query.get(name) ?? ""])),
    trace: /^[0-9a-f]{1,32}$/.test(hash) ? hash : "",
  };
}

/** @param {Partial<Route>} changes @returns {string} */
export function href(changes) {
  const wanted = { ...route(), trace: "", ...changes };
  const query = new URLSearchParams();
  for (const name of NAMES) if (wanted[name]) query.set(name, wanted[name]);
  const tail = query.toString();
  return `/traces${tail ? `?${tail}` : ""}${wanted.trace ? `#${wanted.trace}` : ""}`;
}

/** @param {Partial<Route>} changes @param {{replace?: boolean}} [options] */
export function go(changes, { replace = false } = {}) {
  const address = href(changes);
  if (address === location.pathname + location.search + location.hash) return;
  history[replace ? "replaceState" : "pushState"](null, "", address);
  onChange();
}

/** Links within the page (data-route) change the address without loading anything. @param {() => void} listener */
export function startRoute(listener) {
  onChange = listener;
  window.addEventListener("popstate", listener);
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-route]") : null;
    if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    const to = link.getAttribute("href");
    if (to === location.pathname + location.search + location.hash) return;
    history.pushState(null, "", to);
    listener();
  });
}
