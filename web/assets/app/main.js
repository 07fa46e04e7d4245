/* The page of films. Everything shown follows from the address (route.js), the session and the favourites; this file
 * puts the parts together, and puts them together anew when the language changes. */
import { fill, h } from "../common/dom.js";
import { setLanguage, startWords, t } from "../common/i18n.js";
import { onSession, restore } from "../common/session.js";
import { favoritesView } from "./favorites_view.js";
import { filmDialog } from "./film.js";
import { filterBar } from "./filters.js";
import { pageHeader } from "./header.js";
import { resultsView } from "./results.js";
import { href, onRoute, route } from "./route.js";
import english from "./words_en.js";
import russian from "./words_ru.js";

const SAMPLES = ["shawshenk", "amelie", "spiderman", "star wars"];

function hero() {
  return h(
    "section",
    { class: "hero" },
    h("h1", {}, t("hero.title")),
    h("p", {}, t("hero.text")),
    h(
      "p",
      { class: "samples" },
      t("search.sample"),
      " ",
      SAMPLES.map((q, i) => [i > 0 && ", ", h("a", { href: href({ q }), data: { route: "" } }, q)]),
    ),
  );
}

function footer(source) {
  return h(
    "footer",
    { class: "footer" },
    h("p", {}, t("app.footer")),
    source,
    h("p", {}, h("a", { href: "/docs" }, t("app.api"))),
  );
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
  const source = h("p", {});
  const results = resultsView({
    signal,
    announce,
    onSource: (name) => fill(source, t(name === "tmdb" ? "film.source_tmdb" : "film.source_builtin")),
  });
  const kept = favoritesView({ signal, announce: (text) => fill(status, text) });
  const top = hero();
  const head = h("div", { class: "page-head" }, heading, count);
  const header = pageHeader({ signal, onDown: () => results.focusFirst(), onLanguage: speak });
  const film = filmDialog({
    signal,
    onTitle: (title) => {
      document.title = title ? `${title} — CineSync` : t("app.title");
    },
  });
  const main = h(
    "main",
    { id: "main", tabindex: -1 },
    top,
    h("div", { class: "list" }, filters.element, head, results.element),
    kept.element,
  );
  const list = main.querySelector(".list");

  function show(now) {
    const isKept = now.view === "favorites";
    const isSearch = now.q.trim() !== "";
    header.show(now);
    kept.element.hidden = !isKept;
    list.hidden = isKept;
    top.hidden = isKept || isSearch || Boolean(now.genre || now.from || now.to || now.sort);
    if (isKept) {
      kept.show();
    } else {
      kept.hide();
      filters.show(now);
      fill(
        heading,
        h(top.hidden ? "h1" : "h2", {}, isSearch ? t("search.results", { q: now.q.trim() }) : t("discover.title")),
      );
      results.show(now);
    }
    film.show(now);
  }

  document.title = t("app.title");
  fill(
    document.getElementById("app"),
    h("a", { class: "skip", href: "#main" }, t("app.skip")),
    header.element,
    main,
    footer(source),
    status,
  );
  onRoute(show, signal);
  show(route());
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
restore();
