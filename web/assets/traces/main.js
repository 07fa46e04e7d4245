/* The page of traces: /traces is the list, /traces?view=map the map of the services, /traces#ID one trace. What is shown
 * follows from the address; while "live" is on, it is asked for again every few seconds. */
import { Problem } from "../common/api.js";
import { fill, h } from "../common/dom.js";
import { logo } from "../common/icons.js";
import { currentLanguage, setLanguage, startWords, t } from "../common/i18n.js";
import { listView } from "./list.js";
import { mapView } from "./map.js";
import { href, route, startRoute } from "./route.js";
import { traceView } from "./trace.js";
import english from "./words_en.js";
import russian from "./words_ru.js";

const LIVE_MS = 3000;
const app = document.getElementById("app");

let ending = new AbortController();
let isLive = true;
let shownAs = "";
let refreshNow = async () => {};

function tab(view, isCurrent) {
  const to = href({ view, trace: "" });
  return h("a", { href: to, data: { route: "" }, "aria-current": isCurrent ? "page" : null }, t(view ? `view.${view}` : "view.list"));
}

function header(now) {
  const other = currentLanguage() === "ru" ? ["en", "English"] : ["ru", "Русский"];
  return h(
    "header",
    { class: "header" },
    h("a", { class: "logo", href: "/", "aria-label": t("app.home") }, logo(), h("span", { class: "logo-words" }, "CineSync")),
    h(
      "nav",
      { class: "tabs", "aria-label": t("view.label") },
      tab("", now.view !== "map" && !now.trace),
      tab("map", now.view === "map" && !now.trace),
    ),
    h(
      "label",
      { class: "live" },
      h("input", { type: "checkbox", checked: isLive, on: { change: (event) => (isLive = event.target.checked) } }),
      t("live.label"),
    ),
    h("button", { type: "button", class: "button button-small", on: { click: () => refreshNow() } }, t("live.refresh")),
    h("a", { class: "button button-quiet button-small", href: "/docs" }, t("app.api")),
    h(
      "button",
      {
        type: "button",
        class: "button button-quiet button-small nav-language",
        lang: other[0],
        on: {
          click: () => {
            setLanguage(other[0]);
            shownAs = "";
            show();
          },
        },
      },
      other[1],
    ),
  );
}

function failure(error) {
  return h(
    "div",
    { class: "failure", role: "alert" },
    h("p", {}, t("app.failed", { why: error.message })),
    h("button", { type: "button", class: "button", on: { click: () => refreshNow() } }, t("app.retry")),
  );
}

/** Asks, and says when there is no answer; what was shown stays. */
function refresher(view, notice, signal) {
  let isAsking = false;
  let isChanged = false;
  const ask = async () => {
    try {
      await view.refresh();
      fill(notice);
    } catch (error) {
      if (error.name !== "AbortError" && !(error instanceof Problem)) throw error;
      if (!signal.aborted) fill(notice, failure(error));
    }
  };
  return async () => {
    isChanged = true;
    if (isAsking) return;
    isAsking = true;
    while (isChanged && !signal.aborted) {
      isChanged = false;
      await ask();
    }
    isAsking = false;
  };
}

function viewOf(now, signal) {
  if (now.trace) return traceView(signal);
  return now.view === "map" ? mapView(signal) : listView(signal);
}

/** The parts of the address that change what kind of page it is; filters only ask anew. */
function show() {
  const now = route();
  const as = now.trace || now.view || "list";
  if (as === shownAs) {
    refreshNow();
    return;
  }
  shownAs = as;
  ending.abort();
  ending = new AbortController();
  const { signal } = ending;
  document.title = t("app.title");
  const view = viewOf(now, signal);
  const notice = h("div", {}, h("p", { class: "loading", role: "status" }, t("app.loading")));
  fill(
    app,
    h("a", { class: "skip", href: "#main", on: { click: skip } }, t("app.skip")),
    header(now),
    h("main", { id: "main", tabindex: -1 }, notice, view.element),
  );
  refreshNow = refresher(view, notice, signal);
  refreshNow();
  window.scrollTo(0, 0);
}

/* The part behind the # is a trace, so the link moves the focus and leaves the address. */
function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

startWords({ en: english, ru: russian });
startRoute(show);
window.addEventListener("hashchange", show);
setInterval(() => {
  if (isLive && !document.hidden) refreshNow();
}, LIVE_MS);
show();
