/* Words in the person's language. A message is a text with {names} to fill in, or, where a number decides, an object
 * {one, few, many, other} by the rules of the language. */

const KEY = "cinesync.language";

/** @typedef {string|{one?: string, few?: string, many?: string, other: string}} Message */
/** @type {Object<string, Object<string, Message>>} */
let dictionaries = { en: {} };
let language = "en";
let plural = new Intl.PluralRules("en");

function storedLanguage() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** The first of the browser's languages that there are words for. */
function preferredLanguage() {
  const wanted = [storedLanguage(), ...(navigator.languages ?? [navigator.language])];
  for (const tag of wanted) {
    const base = String(tag ?? "")
      .toLowerCase()
      .split("-")[0];
    if (Object.hasOwn(dictionaries, base)) return base;
  }
  return "en";
}

function use(tag) {
  language = tag;
  plural = new Intl.PluralRules(tag);
  document.documentElement.lang = tag;
}

/** @param {Object<string, Object<string, Message>>} words by language */
export function startWords(words) {
  dictionaries = words;
  use(preferredLanguage());
}

export function currentLanguage() {
  return language;
}

/** Switches, and remembers it for the next visit. */
export function setLanguage(tag) {
  use(tag);
  try {
    localStorage.setItem(KEY, tag);
  } catch {
    /* for this visit only, then */
  }
}

export function hasWord(key) {
  return Object.hasOwn(dictionaries[language], key) || Object.hasOwn(dictionaries.en, key);
}

/** @param {string} key @param {Object<string, string|number>} [values] {n} chooses the plural */
export function t(key, values = {}) {
  const message = dictionaries[language][key] ?? dictionaries.en[key] ?? key;
  const text = typeof message === "string" ? message : (message[plural.select(values.n ?? 0)] ?? message.other);
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? formatNumber(value) : String(value);
  });
}

export function formatNumber(n) {
  return new Intl.NumberFormat(language).format(n);
}

/** "14 October 1994" out of "1994-10-14"; the text itself when it is no date. */
export function formatDate(iso) {
  const date = new Date(/^\d{4}-\d\d-\d\d$/.test(iso) ? `${iso}T00:00:00Z` : iso);
  if (Number.isNaN(date.getTime())) return iso;
  return new Intl.DateTimeFormat(language, { dateStyle: "long", timeZone: "UTC" }).format(date);
}

/** The name of a language ("fr") or a region ("US"); the code itself when nobody knows it. */
export function nameOf(type, code) {
  try {
    return new Intl.DisplayNames([language], { type }).of(code) ?? code;
  } catch {
    return code;
  }
}
