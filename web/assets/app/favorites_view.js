/* The page of favourites. */
import { fill, h } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { currentUser, onSession, sessionState } from "../common/session.js";
import { openSignIn } from "./sign_in.js";
import { arrowKeys, card, ghostCards } from "./cards.js";
import { failureNote } from "./failure.js";
import { favorites, loadFavorites, loadMoreFavorites, onFavorites } from "./favorites.js";
import { filmGenres } from "./films.js";
import { href } from "./route.js";

const PAGE = 24;
const AT_ONCE = 4;
const LIST = { view: "favorites" };

/* A favourite does not know its genres, which the card says and paints; they are asked for a few at a time. */
function genreLoader(signal) {
  const queue = [];
  let running = 0;

  async function next() {
    if (running >= AT_ONCE || queue.length === 0 || signal.aborted) return;
    const { id, use } = queue.shift();
    running++;
    try {
      const genreIds = await filmGenres(id, signal);
      use(genreIds);
    } catch {
      /* the card does without */
    }
    running--;
    next();
  }
  return (id, use) => {
    queue.push({ id, use });
    next();
  };
}

/** @param {{signal: AbortSignal, announce: (text: string) => void}} around */
export function favoritesView({ signal, announce }) {
  const count = h("p", { class: "muted" });
  const grid = h("ul", { class: "grid", role: "list" });
  const foot = h("div", { class: "grid-foot" });
  const element = h(
    "section",
    { class: "favorites" },
    h("div", { class: "page-head" }, h("h1", {}, t("fav.title")), count),
    grid,
    foot,
  );
  const cards = new Map();
  const loadGenres = genreLoader(signal);
  let shownMax = PAGE;
  let isVisible = false;

  arrowKeys(grid);

  function cardOf(favorite) {
    if (!cards.has(favorite.movie_id)) {
      const film = {
        id: favorite.movie_id,
        title: favorite.movie_title ?? `${favorite.movie_id} …`,
        year: favorite.movie_year,
        poster_path: favorite.poster_path,
        genre_ids: [],
      };
      cards.set(film.id, card(film, LIST, signal));
      loadGenres(film.id, (genreIds) => {
        const next = card({ ...film, genre_ids: genreIds }, LIST, signal);
        cards.get(film.id).replaceWith(next);
        cards.set(film.id, next);
      });
    }
    return cards.get(favorite.movie_id);
  }

  function invitation() {
    return h(
      "div",
      { class: "empty" },
      h("h2", {}, t("fav.signed_out")),
      h("p", {}, t("fav.signed_out_text")),
      h(
        "button",
        { type: "button", class: "button button-strong", on: { click: () => openSignIn() } },
        t("user.sign_in"),
      ),
    );
  }

  function more(hasMore) {
    shownMax += PAGE;
    if (favorites().items.length < shownMax && hasMore) loadMoreFavorites();
    else show();
  }

  function showFoot({ items, isLoaded, hasMore, failure }) {
    if (failure) fill(foot, failureNote(failure, loadFavorites, signal));
    else if (isLoaded && items.length === 0)
      fill(
        foot,
        h(
          "div",
          { class: "empty" },
          h("h2", {}, t("fav.empty")),
          h("p", {}, t("fav.empty_text")),
          h("a", { class: "button", href: href({}), data: { route: "" } }, t("discover.title")),
        ),
      );
    else if (items.length > shownMax || hasMore)
      fill(
        foot,
        h("button", { type: "button", class: "button more", on: { click: () => more(hasMore) } }, t("search.more")),
      );
    else fill(foot);
  }

  /* Only what changed is touched, so that the focus stays where it is. */
  function showCards(items) {
    const wanted = items.slice(0, shownMax).map(cardOf);
    const keep = new Set(wanted);
    [...grid.children].forEach((child) => keep.has(child) || child.remove());
    wanted.forEach((child, i) => grid.children[i] !== child && grid.insertBefore(child, grid.children[i] ?? null));
  }

  function show() {
    if (!isVisible) return;
    if (!currentUser()) {
      fill(count);
      grid.replaceChildren(...(sessionState() === "restoring" ? ghostCards(6) : []));
      fill(foot, sessionState() === "restoring" ? null : invitation());
      return;
    }
    const now = favorites();
    if (!now.isLoaded && !now.failure) {
      grid.replaceChildren(...ghostCards(6));
      return;
    }
    showCards(now.items);
    showFoot(now);
    const text = now.hasMore ? "" : t("fav.count", { n: now.items.length });
    fill(count, text);
    announce(text);
  }

  onFavorites(show, signal);
  onSession(show, signal);
  return {
    element,
    show() {
      isVisible = true;
      show();
    },
    hide() {
      isVisible = false;
    },
  };
}
