/* The list of films of a search, of discovering or of a list of the day: pages come as one scrolls, at first by
 * themselves, then by a button, so that the foot of the page can be reached. A question that is no longer asked is given
 * up. */
import { fill, h } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { arrowKeys, card, ghostCards } from "./cards.js";
import { degradedNote } from "./degraded.js";
import { failureNote } from "./failure.js";
import { filmPage } from "./films.js";
import { href } from "./route.js";

const AUTOMATIC_PAGES = 4;
const GHOSTS = 12;
const GHOSTS_AFTER_MS = 150;

/** @param {{signal: AbortSignal, announce: (text: string) => void}} around */
export function resultsView({ signal, announce }) {
  const note = h("div", { class: "results-note" });
  const grid = h("ul", { class: "grid", role: "list" });
  const foot = h("div", { class: "grid-foot" });
  const element = h("section", { class: "results" }, note, grid, foot);
  const nearEnd = new IntersectionObserver(
    (entries) => {
      if (entries.some((entry) => entry.isIntersecting) && page < AUTOMATIC_PAGES) more();
    },
    { rootMargin: "600px" },
  );
  let question = new AbortController();
  /** @type {import("./route.js").Route} */
  let asked;
  let key = "";
  let page = 0;
  let isLoading = false;
  let loading = Promise.resolve();
  const seen = new Set();

  arrowKeys(grid);
  signal.addEventListener(
    "abort",
    () => {
      question.abort();
      nearEnd.disconnect();
    },
    { once: true },
  );

  function emptyNote() {
    const { q, year, list } = asked;
    if (list && !q) return h("div", { class: "empty" }, h("p", {}, t("list.none")));
    if (!q)
      return h(
        "div",
        { class: "empty" },
        h("p", {}, t("discover.none_text")),
        h("a", { class: "button", href: href({}), data: { route: "" } }, t("discover.reset")),
      );
    return h(
      "div",
      { class: "empty" },
      h("h2", {}, t("search.none")),
      h("p", {}, year ? t("search.none_year", { q, year }) : t("search.none_text", { q })),
      year && h("a", { class: "button", href: href({ q }), data: { route: "" } }, t("search.all_years")),
    );
  }

  /** @param {import("./films.js").FilmPage} answer */
  function showPage(answer) {
    const films = answer.results.filter((film) => !seen.has(film.id));
    films.forEach((film) => seen.add(film.id));
    const cards = films.map((film, i) => card(film, asked, question.signal, { eager: answer.page === 1 && i < 6 }));
    if (answer.page === 1) grid.replaceChildren(...cards);
    else grid.append(...cards);
    page = answer.page;
    fill(
      note,
      degradedNote(answer.isDegraded, () => isLoading || start()),
    );
    announce(t("search.count", { n: answer.total_results }));
    showFoot(answer);
  }

  function showFoot(answer) {
    nearEnd.disconnect();
    if (answer.total_results === 0) return fill(foot, emptyNote());
    if (answer.page >= answer.total_pages) {
      const isCut = answer.total_results > seen.size && answer.total_pages >= 500;
      return fill(
        foot,
        h(
          "p",
          { class: "muted" },
          isCut ? t("search.end_of_pages", { n: seen.size }) : answer.page > 1 && t("search.end"),
        ),
      );
    }
    const button = h("button", { type: "button", class: "button more", on: { click: more } }, t("search.more"));
    fill(foot, button);
    nearEnd.observe(foot);
  }

  async function ask(next) {
    const mine = question.signal;
    isLoading = true;
    try {
      const answer = await filmPage(asked, next, mine);
      if (mine.aborted) return;
      element.removeAttribute("aria-busy");
      showPage(answer);
    } catch (error) {
      if (mine.aborted) return;
      element.removeAttribute("aria-busy");
      if (next === 1) {
        grid.replaceChildren();
        fill(note);
      }
      nearEnd.disconnect();
      fill(
        foot,
        failureNote(error, () => ask(next), mine),
      );
    } finally {
      if (!mine.aborted) isLoading = false;
    }
  }

  async function more() {
    if (isLoading || page === 0) return;
    const hadFocus = foot.contains(document.activeElement);
    const before = grid.children.length;
    fill(foot, h("p", { class: "muted", role: "status" }, t("search.loading_more")));
    await ask(page + 1);
    if (hadFocus) grid.children[before]?.querySelector("a")?.focus();
  }

  /* The old films stay while new ones are on their way: letters typed fast do not make the page flicker. */
  function start() {
    question.abort();
    question = new AbortController();
    const mine = question.signal;
    page = 0;
    seen.clear();
    element.setAttribute("aria-busy", "true");
    setTimeout(() => {
      if (!mine.aborted && isLoading && grid.children.length === 0) grid.replaceChildren(...ghostCards(GHOSTS));
    }, GHOSTS_AFTER_MS);
    loading = ask(1);
  }

  return {
    element,
    /** @param {import("./route.js").Route} route */
    show(route) {
      const { q, year, view, movie, ...rest } = route;
      const next = JSON.stringify(q.trim() ? [q.trim(), year] : rest);
      if (next === key) return;
      key = next;
      asked = route;
      start();
    },
    /** Moves the focus to the first film, once what was asked last is there. */
    async focusFirst() {
      const mine = question.signal;
      await loading;
      if (!mine.aborted) grid.querySelector("a")?.focus();
    },
  };
}
