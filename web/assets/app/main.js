/* The page of films. Everything shown follows from the address (route.js), the session and the favourites; this file
 * puts the parts together, and puts them together anew when the language changes. */
import { fill, h } from "../common/dom.js";
import { setLanguage, startWords, t } from "../common/i18n.js";
import { onSession, restore } from "../common/session.js";
import { attributionView } from "./attribution_view.js";
import { favoritesView } from "./favorites_view.js";
import { filmDialog } from "./film.js";
import { configuration } from "./films.js";
import { filterBar } from "./filters.js";
import { pageHeader } from "./header.js";
import { resultsView } from "./results.js";
import { followLink } from "./links.js";
import { href, isFiltered, onRoute, route } from "./route.js";
import { rowsView } from "./rows.js";
import { onSource, source } from "./source.js";
import { traceView } from "./trace_view.js";
import english from "./words_en.js";
import russian from "./words_ru.js";

/* What the front page is follows from the source of films: so long it may wait to hear of it. */
const SOURCE_WAIT_MS = 1500;
const SAMPLES = ["shawshenk", "amelie", "spiderman", "star wars"];
/** TMDB finds accents without, but forgives no typing errors. */
const SAMPLES_TMDB = ["shawshank", "amelie", "spider-man", "star wars"];

function heroWords() {
  const isTmdb = source() === "tmdb";
  return [
    h("h1", {}, t("hero.title")),
    h("p", {}, t(isTmdb ? "hero.text_tmdb" : "hero.text")),
    h(
      "p",
      { class: "samples" },
      t("search.sample"),
      " ",
      (isTmdb ? SAMPLES_TMDB : SAMPLES).map((q, i) => [
        i > 0 && ", ",
        h("a", { href: href({ q }), data: { route: "" } }, q),
      ]),
    ),
  ];
}

function footer(signal) {
  return h(
    "footer",
    { class: "footer" },
    h("p", {}, t("app.footer")),
    attributionView(signal),
    h("p", {}, h("a", { href: "/docs" }, t("app.api"))),
    traceView(signal),
  );
}

/** Resolves when the source is known, or has been waited for long enough. */
function sourceHeard(signal) {
  const late = new Promise((done) => setTimeout(done, SOURCE_WAIT_MS));
  return Promise.race([late, configuration(signal).catch(() => null)]);
}

function headingOf(now) {
  if (now.q.trim()) return t("search.results", { q: now.q.trim() });
  return now.list ? t(`list.${now.list}`) : t("discover.title");
}

function build(signal) {
  const status = h("p", { class: "visually-hidden", role: "status", "aria-live": "polite" });
  const heading = h("div", { class: "results-title" });
  const count = h("p", { class: "muted results-count", "aria-hidden": "true" });
  const announce = (text) => {
    fill(status, text);
    fill(count, text);
  };
  const filters = filterBar(signal);
  const results = resultsView({ signal, announce });
  const rows = rowsView({ signal });
  const kept = favoritesView({ signal, announce: (text) => fill(status, text) });
  const top = h("section", { class: "hero" }, heroWords());
  const head = h("div", { class: "page-head" }, heading, count);
  const header = pageHeader({
    signal,
    onDown: () => (rows.element.hidden ? results : rows).focusFirst(),
    onLanguage: speak,
  });
  const film = filmDialog({
    signal,
    onTitle: (title) => {
      document.title = title ? `${title} — CineSync` : t("app.title");
    },
  });
  const found = h("div", { class: "found" }, head, results.element);
  const list = h("div", { class: "list" }, filters.element, rows.element, found);
  const main = h("main", { id: "main", tabindex: -1 }, top, list, kept.element);
  let isSourceAwaited = source() === "";

  /* Below the filters: rows on the front page of a source that has them, otherwise one list. */
  function showList(now, isFront) {
    filters.show(now);
    const isUndecided = isFront && isSourceAwaited && source() === "";
    const isRows = isFront && source() === "tmdb";
    found.hidden = isRows || isUndecided;
    if (isRows) {
      rows.show();
      announce("");
      return;
    }
    rows.hide();
    if (isUndecided) return;
    fill(heading, h(isFront ? "h2" : "h1", {}, headingOf(now)));
    results.show(now);
  }

  function show(now) {
    const isKept = now.view === "favorites";
    const isFront = !isKept && now.q.trim() === "" && !now.list && !isFiltered(now);
    header.show(now);
    kept.element.hidden = !isKept;
    list.hidden = isKept;
    top.hidden = !isFront;
    if (isKept) {
      kept.show();
    } else {
      kept.hide();
      showList(now, isFront);
    }
    film.show(now);
  }

  document.title = t("app.title");
  fill(
    document.getElementById("app"),
    h("a", { class: "skip", href: "#main" }, t("app.skip")),
    header.element,
    main,
    footer(signal),
    status,
  );
  onRoute(show, signal);
  onSource(() => {
    fill(top, heroWords());
    show(route());
  }, signal);
  show(route());
  sourceHeard(signal).then(() => {
    isSourceAwaited = false;
    if (!signal.aborted) show(route());
  });
}

let life = new AbortController();
function start() {
  life.abort();
  life = new AbortController();
  build(life.signal);
}

function speak(tag) {
  setLanguage(tag);
  start();
  document.querySelector(".nav-language")?.focus();
}

startWords({ en: english, ru: russian });
start();
onSession((state) => document.documentElement.setAttribute("data-session", state));
restore().then(followLink);
window.addEventListener("hashchange", followLink);
