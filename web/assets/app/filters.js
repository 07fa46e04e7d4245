/* The bar above the films: genres, years, length, rating and order while discovering; the year while searching. What
 * the source cannot know, votes in the built-in catalogue, is not offered. */
import { debounce, fill, h, uniqueId } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { genreChips } from "./genre_chips.js";
import { go, route } from "./route.js";
import { onSource, source } from "./source.js";

const YEAR_MIN = 1874;
const YEAR_MAX = 2100;
const TYPING_MS = 500;
const SORTS = [
  "popularity.desc",
  "vote_average.desc",
  "primary_release_date.desc",
  "primary_release_date.asc",
  "title.asc",
  "title.desc",
];
const MATCHES = ["", "any"];
const RATINGS = ["", "6", "7", "8"];
const TIMES = ["", "-90", "90-120", "120-150", "150-"];

/* A year counts when it is whole; half of one is somebody still typing. */
const isYear = (text) => text === "" || (/^\d{4}$/.test(text) && Number(text) >= YEAR_MIN && Number(text) <= YEAR_MAX);

function yearInput(name, label, hint, signal) {
  const id = uniqueId("year");
  const use = () => {
    const text = input.value.trim();
    input.setAttribute("aria-invalid", String(!isYear(text)));
    if (isYear(text) && text !== route()[name]) go({ ...route(), list: "", [name]: text });
  };
  const later = debounce(use, TYPING_MS);
  const input = h("input", {
    id,
    type: "text",
    inputmode: "numeric",
    maxlength: 4,
    class: "year",
    placeholder: hint,
    autocomplete: "off",
    on: { input: later, change: later.flush, keydown: (event) => event.key === "Enter" && later.flush() },
  });
  signal.addEventListener("abort", later.cancel, { once: true });
  return {
    row: h("span", { class: "filter" }, h("label", { for: id }, label), input),
    show(text) {
      if (document.activeElement !== input || isYear(input.value)) {
        input.value = text;
        input.setAttribute("aria-invalid", "false");
      }
    },
  };
}

/* The first of the values is what stands for "not set" in the address. */
function choice(name, label, values, wordOf) {
  const id = uniqueId(name);
  const use = () => go({ ...route(), list: "", [name]: select.value === values[0] ? "" : select.value });
  const select = h("select", { id, on: { change: use } });
  const offer = (offered) => {
    const before = select.value;
    fill(
      select,
      offered.map((value) => h("option", { value }, wordOf(value))),
    );
    select.value = offered.includes(before) ? before : offered[0];
  };
  offer(values);
  return {
    row: h("span", { class: "filter" }, h("label", { for: id }, label), select),
    offer,
    show: (value) => {
      select.value = [...select.options].some((option) => option.value === value) ? value : values[0];
    },
  };
}

/** @param {AbortSignal} signal */
export function filterBar(signal) {
  const chips = genreChips(signal);
  const year = yearInput("year", t("search.year"), t("search.year_hint"), signal);
  const from = yearInput("from", t("discover.from"), t("search.year_hint"), signal);
  const to = yearInput("to", t("discover.to"), t("search.year_hint"), signal);
  const match = choice("match", t("discover.genres"), MATCHES, (value) => t(`discover.match_${value || "all"}`));
  const time = choice("time", t("discover.time"), TIMES, (value) => t(`time.${value || "any"}`));
  const rating = choice("rating", t("discover.rating"), RATINGS, (value) =>
    value ? t("discover.rating_from", { n: Number(value) }) : t("discover.rating_any"),
  );
  const sort = choice("sort", t("discover.sort"), SORTS, (value) => t(`sort.${value}`));
  const discover = h("div", { class: "filters-row" }, match.row, from.row, to.row, time.row, rating.row, sort.row);
  const searching = h("div", { class: "filters-row" }, year.row);
  const element = h("div", { class: "filters" }, chips.element, discover, searching);

  function showKnown() {
    const hasVotes = source() === "tmdb";
    rating.row.hidden = !hasVotes;
    sort.offer(hasVotes ? SORTS : SORTS.filter((one) => !one.startsWith("vote")));
    sort.show(route().sort);
  }
  showKnown();
  onSource(showKnown, signal);

  return {
    element,
    /** @param {import("./route.js").Route} now */
    show(now) {
      const isSearching = Boolean(now.q.trim());
      searching.hidden = !isSearching;
      discover.hidden = chips.element.hidden = isSearching;
      year.show(now.year);
      from.show(now.from);
      to.show(now.to);
      match.row.hidden = !now.genre.includes(",");
      match.show(now.match);
      time.show(now.time);
      rating.show(now.rating);
      sort.show(now.sort);
      chips.show(now);
    },
  };
}
