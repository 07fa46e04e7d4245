/* Asking for films, and small facts about them. Answers are kept for a while, so that Back is instant. */
import { call } from "../common/api.js";
import { currentLanguage, formatNumber, hasWord, t } from "../common/i18n.js";

/** @typedef {{id: number, title: string, original_title: string|null, release_date: string|null, year: number|null,
 *  overview: string|null, genre_ids: number[], poster_path: string|null, vote_average: number|null,
 *  vote_count: number|null}} Film  One item of a list. */
/** @typedef {{page: number, results: Film[], total_pages: number, total_results: number,
 *  source: "builtin"|"tmdb"}} FilmPage */
/** @typedef {Film & {tagline: string|null, runtime: number|null, genres: {id: number, name: string}[],
 *  directors: string[], production_companies: {name: string}[], spoken_languages: string[], origin_country: string[],
 *  certification: string|null, homepage: string|null, imdb_id: string|null, source: string}} FilmDetails */

const KEPT_MAX = 200;
const KEPT_MS = 5 * 60 * 1000;
/** @type {Map<string, {promise: Promise<any>, untilMs: number}>} oldest first */
const kept = new Map();

/* Keeps what arrived; what failed or was given up is asked again. */
function keep(key, promise) {
  kept.delete(key);
  kept.set(key, { promise, untilMs: Date.now() + KEPT_MS });
  if (kept.size > KEPT_MAX) kept.delete(kept.keys().next().value);
  return promise;
}

async function ask(path, query, signal) {
  const asked = { ...query, language: { en: "en-US", ru: "ru-RU" }[currentLanguage()] };
  const key = JSON.stringify([path, asked]);
  const known = kept.get(key);
  if (known && known.untilMs > Date.now()) return known.promise;
  const answer = await call("GET", path, { query: asked, signal });
  keep(key, Promise.resolve(answer));
  return answer;
}

/** @param {import("./route.js").Route} route @param {number} page @param {AbortSignal} [signal]
 *  @returns {Promise<FilmPage>} */
export function filmPage(route, page, signal) {
  if (route.q.trim()) return ask("/movies/search", { query: route.q.trim(), year: route.year, page }, signal);
  return ask(
    "/movies/discover",
    { genre: route.genre, year_from: route.from, year_to: route.to, sort: route.sort, page },
    signal,
  );
}

/** @returns {Promise<FilmDetails>} */
export function filmDetails(id, signal) {
  return ask(`/movies/${id}`, {}, signal);
}

/** @returns {Promise<{id: number, name: string}[]>} */
export async function genreList(signal) {
  return (await ask("/movies/genres", {}, signal)).genres;
}

/** Our word for a genre when there is one, otherwise the source's. */
export function genreName(genre) {
  return hasWord(`genre.${genre.id}`) ? t(`genre.${genre.id}`) : (genre.name ?? "");
}

/** "Drama, Crime" of a list's item. */
export function genreNames(ids, max = 2) {
  return ids
    .map((id) => genreName({ id }))
    .filter(Boolean)
    .slice(0, max)
    .join(", ");
}

/** "2 h 22 min" */
export function runtimeText(minutes) {
  const h = Math.floor(minutes / 60);
  const m = minutes % 60;
  if (h === 0) return t("film.minutes", { n: m });
  return m === 0 ? t("film.hours_only", { h }) : t("film.hours", { h, m });
}

/** "8.7" */
export function averageText(average) {
  return formatNumber(Math.round(average * 10) / 10);
}
