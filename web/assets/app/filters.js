/* The bar above the films: genres, years and order while discovering; the year while searching. */
import { debounce, fill, h, uniqueId } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { genreList, genreName } from "./films.js";
import { go, hrefWith, route } from "./route.js";

const YEAR_MIN = 1874;
const YEAR_MAX = 2100;
const TYPING_MS = 500;
const SORTS = ["popularity.desc", "primary_release_date.desc", "primary_release_date.asc", "title.asc", "title.desc"];

/* A year counts when it is whole; half of one is somebody still typing. */
const isYear = (text) => text === "" || (/^\d{4}$/.test(text) && Number(text) >= YEAR_MIN && Number(text) <= YEAR_MAX);

function yearInput(name, label, hint, signal) {
  const id = uniqueId("year");
  const use = () => {
    const text = input.value.trim();
    input.setAttribute("aria-invalid", String(!isYear(text)));
    if (isYear(text)) go({ ...route(), [name]: text });
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

function sortSelect() {
  const id = uniqueId("sort");
  const select = h(
    "select",
    {
      id,
      on: { change: () => go({ ...route(), sort: select.value === SORTS[0] ? "" : select.value }) },
    },
    SORTS.map((sort) => h("option", { value: sort }, t(`sort.${sort}`))),
  );
  return {
    row: h("span", { class: "filter" }, h("label", { for: id }, t("discover.sort")), select),
    show: (sort) => {
      select.value = SORTS.includes(sort) ? sort : SORTS[0];
    },
  };
}

/** @param {AbortSignal} signal */
export function filterBar(signal) {
  const year = yearInput("year", t("search.year"), t("search.year_hint"), signal);
  const from = yearInput("from", t("discover.from"), t("search.year_hint"), signal);
  const to = yearInput("to", t("discover.to"), t("search.year_hint"), signal);
  const sort = sortSelect();
  const chips = h("ul", { class: "chips genre-chips", role: "list", "aria-label": t("discover.genres") });
  const discover = h("div", { class: "filters-row" }, from.row, to.row, sort.row);
  const searching = h("div", { class: "filters-row" }, year.row);
  const element = h("div", { class: "filters" }, chips, discover, searching);
  let genres = [];

  function showChips(now) {
    const all = [{ id: "", name: t("discover.all") }, ...genres];
    fill(
      chips,
      genres.length > 0 &&
        all.map((genre) => {
          const isOn = String(genre.id) === now.genre;
          return h(
            "li",
            {},
            h(
              "a",
              {
                class: "chip",
                href: hrefWith({ genre: genre.id, movie: "" }),
                data: { route: "" },
                "aria-current": isOn ? "true" : null,
              },
              genre.id === "" ? genre.name : genreName(genre),
            ),
          );
        }),
    );
  }

  genreList(signal)
    .then((list) => {
      genres = list
        .filter((genre) => genre.id !== 10770)
        .sort((a, b) => genreName(a).localeCompare(genreName(b), document.documentElement.lang));
      showChips(route());
    })
    .catch(() => {
      /* The films say what is wrong; without genres there are no chips. */
    });

  return {
    element,
    /** @param {import("./route.js").Route} now */
    show(now) {
      const isSearching = Boolean(now.q.trim());
      searching.hidden = !isSearching;
      discover.hidden = chips.hidden = isSearching;
      year.show(now.year);
      from.show(now.from);
      to.show(now.to);
      sort.show(now.sort);
      if (chips.contains(document.activeElement)) {
        const label = document.activeElement.textContent;
        showChips(now);
        [...chips.querySelectorAll("a")].find((link) => link.textContent === label)?.focus();
      } else {
        showChips(now);
      }
    },
  };
}
