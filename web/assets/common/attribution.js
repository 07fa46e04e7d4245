/* Whose data the films are, as /movies/configuration says it. TMDB's terms want their sentence wherever their films are
 * shown; both pages make their lines here. The sentences are the API's own, in English. */
import { h } from "./dom.js";

/** @typedef {{tmdb: string|null, tmdb_url: string|null, justwatch: string|null, justwatch_url: string|null,
 *  builtin: string|null}} Attribution */

/** For when the configuration cannot be had. @type {Attribution} */
export const tmdbAttribution = {
  tmdb: "This product uses the TMDB API but is not endorsed or certified by TMDB.",
  tmdb_url: "https://www.themoviedb.org/",
  justwatch: "Watch provider data by JustWatch.",
  justwatch_url: "https://www.justwatch.com/",
  builtin: null,
};

/** A link that leaves the page. @param {string|null} url nothing but the text when there is none */
export function linkOut(url, props, ...children) {
  return url ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer", ...props }, children) : children;
}

/* The name in the sentence becomes the link. */
function sentence(text, name, url) {
  const at = url ? text.indexOf(name) : -1;
  if (at < 0) return h("p", { lang: "en" }, linkOut(url, {}, text));
  return h("p", { lang: "en" }, text.slice(0, at), linkOut(url, {}, name), text.slice(at + name.length));
}

export function tmdbLine({ tmdb, tmdb_url }) {
  return tmdb ? sentence(tmdb, "TMDB", tmdb_url) : null;
}

export function justWatchLine({ justwatch, justwatch_url }) {
  return justwatch ? sentence(justwatch, "JustWatch", justwatch_url) : null;
}

/** @param {Attribution} attribution @returns {(HTMLElement|null)[]} a line for everybody who is to be thanked */
export function attributionLines(attribution) {
  const { builtin } = attribution;
  return [tmdbLine(attribution), justWatchLine(attribution), builtin && h("p", { lang: "en" }, builtin)];
}
