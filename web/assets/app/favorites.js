/* The favourites of whoever is signed in. A press of the heart counts at once; one worker a film then makes the server
 * agree, and if it will not, the heart goes back and the reason is shown. */
import { Problem } from "../common/api.js";
import { Emitter } from "../common/dom.js";
import { callAsUser, currentUser, onSession } from "../common/session.js";

/** @typedef {{movie_id: number, movie_title: string|null, movie_year: number|null, poster_path: string|null,
 *  state: "settled"|"pending", rating: number|null, created_at: string, updated_at: string}} Favorite */

const PAGE_SIZE = 100;
const changes = new Emitter();
const failures = new Emitter();
const channel = "BroadcastChannel" in window ? new BroadcastChannel("cinesync-favorites") : null;

/** @type {Map<number, Favorite>} as shown, newest first by insertion */
let shown = new Map();
/** @type {Map<number, Favorite>} as the server has them, so far as loaded */
let stored = new Map();
const busy = new Set();
let owner = "";
/** @type {string|null} where the next page begins */
let nextCursor = null;
let isLoaded = false;
/** @type {Problem|null} */
let failure = null;
let generation = 0;

/* The server's list with what is still on its way laid over it. */
function overlay() {
  const next = new Map();
  for (const [id, favorite] of shown) if (busy.has(id) && !stored.has(id)) next.set(id, favorite);
  for (const [id, favorite] of stored) if (!busy.has(id) || shown.has(id)) next.set(id, favorite);
  shown = next;
}

function reset(nextOwner) {
  owner = nextOwner;
  generation++;
  shown = new Map();
  stored = new Map();
  busy.clear();
  nextCursor = null;
  isLoaded = false;
  failure = null;
}

async function loadPage(cursor) {
  const mine = generation;
  try {
    const answer = await callAsUser("GET", "/users/me/favorites", { query: { limit: PAGE_SIZE, cursor } });
    if (mine !== generation) return;
    if (!cursor) stored = new Map();
    for (const favorite of answer.results) stored.set(favorite.movie_id, favorite);
    nextCursor = answer.next_cursor;
    isLoaded = true;
    failure = null;
    overlay();
  } catch (error) {
    if (mine !== generation) return;
    failure = error;
  }
  changes.emit();
}

/** Loads the list anew. */
export function loadFavorites() {
  failure = null;
  return loadPage(null);
}

export function loadMoreFavorites() {
  return loadPage(nextCursor);
}

/** @returns {{items: Favorite[], isLoaded: boolean, hasMore: boolean, failure: Problem|null}} */
export function favorites() {
  return { items: [...shown.values()], isLoaded, hasMore: nextCursor !== null, failure };
}

export function isFavorite(id) {
  return shown.has(id);
}

/* What the server says to it; "there already" and "gone already" are what was wanted. */
async function storeOne(id, isWanted) {
  if (!isWanted) {
    await callAsUser("DELETE", `/users/me/favorites/${id}`);
    return null;
  }
  try {
    return await callAsUser("POST", "/users/me/favorites", { body: { movie_id: id } });
  } catch (error) {
    if (error.code === "favorite-exists") return shown.get(id);
    throw error;
  }
}

function record(id, favorite) {
  if (!favorite) {
    stored.delete(id);
    return;
  }
  stored = new Map([[id, favorite], ...stored]);
  if (shown.has(id)) shown.set(id, favorite);
}

async function settle(id, title) {
  if (busy.has(id)) return;
  const mine = generation;
  busy.add(id);
  try {
    while (shown.has(id) !== stored.has(id)) {
      const isWanted = shown.has(id);
      const favorite = await storeOne(id, isWanted);
      if (mine !== generation) return;
      record(id, favorite);
    }
    channel?.postMessage({ owner });
  } catch (error) {
    if (mine !== generation) return;
    const wasWanted = shown.has(id);
    busy.delete(id);
    overlay();
    failures.emit(error, { id, title, wasWanted });
  }
  busy.delete(id);
  changes.emit();
}

/** @param {{id: number, title: string, year: number|null, poster_path: string|null}} film */
export function addFavorite(film) {
  const favorite = stored.get(film.id) ?? {
    movie_id: film.id,
    movie_title: film.title,
    movie_year: film.year,
    poster_path: film.poster_path,
    state: "settled",
    rating: null,
    created_at: new Date().toISOString(),
    updated_at: new Date().toISOString(),
  };
  shown = new Map([[film.id, favorite], ...shown]);
  changes.emit();
  return settle(film.id, film.title);
}

/** @param {{id: number, title: string}} film */
export function removeFavorite(film) {
  shown.delete(film.id);
  changes.emit();
  return settle(film.id, film.title);
}

/** listener() whenever the list is another. */
export function onFavorites(listener, signal) {
  changes.listen(listener, signal);
}

/** listener(problem, {id, title, wasWanted}) when the server would not have it. */
export function onFavoriteFailure(listener, signal) {
  failures.listen(listener, signal);
}

onSession(() => {
  const nextOwner = currentUser()?.id ?? "";
  if (nextOwner === owner) return;
  reset(nextOwner);
  changes.emit();
  if (owner) loadFavorites();
});

channel?.addEventListener("message", ({ data }) => {
  if (owner && data.owner === owner) loadFavorites();
});
