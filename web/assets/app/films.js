/* Asking for films. Answers are kept for a while, so that Back is instant; those given while TMDB is away are not. */
import { Problem, exchange } from "../common/api.js";
import { currentLanguage } from "../common/i18n.js";
import { visitorRegion } from "./region.js";
import { noteSource } from "./source.js";

/** @typedef {{id: number, title: string, original_title: string|null, release_date: string|null, year: number|null,
 *  overview: string|null, genre_ids: number[], poster_path: string|null, poster: Object<string, string>|null,
 *  vote_average: number|null, vote_count: number|null}} Film  One item of a list. */
/** @typedef {{isDegraded: boolean, source: "builtin"|"tmdb"|"local"}} Told  isDegraded: from before, TMDB is away */
/** @typedef {Told & {page: number, results: Film[], total_pages: number, total_results: number}} FilmPage */
/** @typedef {{name: string, character: string|null, profile: Object<string, string>|null}} CastMember */
/** @typedef {{name: string|null, site: string|null, url: string|null, type: string|null,
 *  official: boolean|null}} Video */
/** @typedef {{provider_id: number, provider_name: string, logo: Object<string, string>|null}} Provider */
/** @typedef {{region: string, link: string|null, flatrate: Provider[], free: Provider[], ads: Provider[],
 *  rent: Provider[], buy: Provider[]}} ProviderRegion */
/** @typedef {Film & Told & {tagline: string|null, runtime: number|null, genres: {id: number, name: string}[],
 *  directors: string[], production_companies: {name: string}[], spoken_languages: string[], origin_country: string[],
 *  certification: string|null, homepage: string|null, imdb_id: string|null, backdrop: Object<string, string>|null,
 *  credits: {cast: CastMember[]}|null, videos: {results: Video[]}|null, recommendations: FilmPage|null,
 *  watch_providers: {results: ProviderRegion[], attribution: string|null}|null}} FilmDetails */

const KEPT_MAX = 200;
const KEPT_MS = 5 * 60 * 1000;
const INCLUDE = "credits,recommendations,videos,watch_providers";
/** Few votes make no rating. */
const VOTES_MIN = 100;

/** @type {Map<string, {answer: any, untilMs: number}>} oldest first */
const kept = new Map();

function keep(key, answer) {
  kept.delete(key);
  kept.set(key, { answer, untilMs: Date.now() + KEPT_MS });
  if (kept.size > KEPT_MAX) kept.delete(kept.keys().next().value);
}

/* A failure of TMDB's says whose the films are, too. */
function noteFailure(error) {
  if (error instanceof Problem && error.code.startsWith("upstream-")) noteSource("tmdb", false);
  throw error;
}

async function askPlain(path, query, signal) {
  const key = JSON.stringify([path, query]);
  const known = kept.get(key);
  if (known && known.untilMs > Date.now()) return known.answer;
  const { body, headers } = await exchange("GET", path, { query, signal }).catch(noteFailure);
  const isDegraded = headers.get("X-Degraded") === "true" || body.source === "local";
  const answer = { ...body, isDegraded };
  noteSource(body.source, isDegraded);
  if (!isDegraded) keep(key, answer);
  return answer;
}

function ask(path, query, signal) {
  return askPlain(path, { ...query, language: { en: "en-US", ru: "ru-RU" }[currentLanguage()] }, signal);
}

function listPage(list, page, signal) {
  const isOfPlace = list === "now-playing" || list === "upcoming";
  const query = { page, region: isOfPlace ? visitorRegion() : "", window: list === "trending" ? "week" : "" };
  return ask(`/movies/${list}`, query, signal);
}

function discoverPage(route, page, signal) {
  const [shortest, longest] = route.time.split("-");
  const isByVotes = route.rating || route.sort.startsWith("vote_average");
  const query = {
    [route.match === "any" ? "genre_any" : "genre"]: route.genre,
    year_from: route.from,
    year_to: route.to,
    vote_average_min: route.rating,
    vote_count_min: isByVotes ? VOTES_MIN : "",
    runtime_min: shortest,
    runtime_max: longest,
    sort: route.sort,
    page,
  };
  return ask("/movies/discover", query, signal);
}

/** @param {import("./route.js").Route} route @param {number} page @param {AbortSignal} [signal]
 *  @returns {Promise<FilmPage>} */
export function filmPage(route, page, signal) {
  const query = route.q.trim();
  if (query) return ask("/movies/search", { query, primary_release_year: route.year, page }, signal);
  if (route.list) return listPage(route.list, page, signal);
  return discoverPage(route, page, signal);
}

/** The film with all that its page shows. @returns {Promise<FilmDetails>} */
export function filmDetails(id, signal) {
  return ask(`/movies/${id}`, { include: INCLUDE }, signal);
}

/** @returns {Promise<number[]>} the genres of a film alone */
export async function filmGenres(id, signal) {
  return (await ask(`/movies/${id}`, {}, signal)).genres.map((genre) => genre.id);
}

/** @returns {Promise<Film[]>} */
export async function similarFilms(id, signal) {
  return (await ask(`/movies/${id}/similar`, {}, signal)).results;
}

/** @returns {Promise<{id: number, name: string}[]>} */
export async function genreList(signal) {
  return (await ask("/movies/genres", {}, signal)).genres;
}

/** What is to be known of the source. @returns {Promise<Told & {attribution:
 *  import("../common/attribution.js").Attribution|null}>} */
export function configuration(signal) {
  return askPlain("/movies/configuration", {}, signal);
}
