/* Where the films come from, as far as is known: every answer says it. Nothing is known at first. Beside TMDB's films the
 * built-in ones can still be opened, so one of those among them does not change it back. */
import { Emitter } from "../common/dom.js";

const changes = new Emitter();
/** @type {""|"builtin"|"tmdb"} */
let known = "";

export function source() {
  return known;
}

/** @param {string|undefined} name an answer's `source` @param {boolean} isDegraded */
export function noteSource(name, isDegraded) {
  /* While TMDB is away some answers are made of what is known here: that is no other source. */
  const next = isDegraded ? "tmdb" : name;
  if ((next !== "builtin" && next !== "tmdb") || next === known || known === "tmdb") return;
  known = next;
  changes.emit(known);
}

/** listener(source) when it turns out to be another. @param {(source: string) => void} listener */
export function onSource(listener, signal) {
  changes.listen(listener, signal);
}
