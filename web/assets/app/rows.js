/* The front page while films come from TMDB: the lists of the day, a row each. A row is asked for when it comes near; one
 * that is empty goes, and what could not be had is said once, above. */
import { fill, h, uniqueId } from "../common/dom.js";
import { icon } from "../common/icons.js";
import { t } from "../common/i18n.js";
import { arrowKeys, card, ghostCards } from "./cards.js";
import { degradedNote } from "./degraded.js";
import { failureNote } from "./failure.js";
import { filmPage } from "./films.js";
import { LISTS, href, route } from "./route.js";

const GHOSTS = 8;
const NEAR = "500px";

function scroller(strip, way, label) {
  const step = () => strip.scrollBy({ left: way * strip.clientWidth * 0.85 });
  return h(
    "button",
    { type: "button", class: `icon-button row-${way < 0 ? "back" : "on"}`, "aria-label": label, on: { click: step } },
    icon("chevron"),
  );
}

/** A row of cards that scrolls by itself. @param {HTMLElement|string} title @param {HTMLElement} strip */
export function rowSection(title, strip, { level = "h2" } = {}) {
  const id = uniqueId("row");
  return h(
    "section",
    { class: "row", "aria-labelledby": id },
    h(
      "div",
      { class: "row-head" },
      h(level, { id }, title),
      h("div", { class: "row-steps" }, scroller(strip, -1, t("row.back")), scroller(strip, 1, t("row.on"))),
    ),
    strip,
  );
}

export function stripOf(cards) {
  const strip = h("ul", { class: "strip", role: "list" }, cards);
  arrowKeys(strip);
  return strip;
}

/** @param {string} list @param {AbortSignal} signal @param {() => void} onChange */
function rowOf(list, signal, onChange) {
  const title = h(
    "a",
    { class: "row-link", href: href({ list }), data: { route: "" } },
    t(`list.${list}`),
    icon("chevron", "icon chevron"),
  );
  const strip = stripOf(ghostCards(GHOSTS));
  const row = { list, element: rowSection(title, strip), failure: null, isDegraded: false, isAsked: false, load };

  async function load() {
    row.isAsked = true;
    row.failure = null;
    try {
      const answer = await filmPage({ ...route(), q: "", list }, 1, signal);
      row.isDegraded = answer.isDegraded;
      strip.replaceChildren(...answer.results.map((film) => card(film, {}, signal)));
      row.element.hidden = answer.results.length === 0;
    } catch (error) {
      if (signal.aborted) return;
      row.failure = error;
      row.element.hidden = true;
    }
    onChange();
  }
  return row;
}

/* Up and down between rows, to the card that is nearest. */
function upAndDown(box) {
  box.addEventListener("keydown", (event) => {
    const way = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const here = event.target instanceof Element && event.target.closest(".card-link");
    if (!way || !here || event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return;
    const rows = [...box.querySelectorAll(".row:not([hidden])")];
    const links = [...(rows[rows.indexOf(here.closest(".row")) + way]?.querySelectorAll(".card-link") ?? [])];
    if (links.length === 0) return;
    const left = here.getBoundingClientRect().left;
    const away = (link) => Math.abs(link.getBoundingClientRect().left - left);
    event.preventDefault();
    links.reduce((best, link) => (away(link) < away(best) ? link : best)).focus();
  });
}

/** @param {{signal: AbortSignal}} around */
export function rowsView({ signal }) {
  const note = h("div", { class: "rows-note" });
  const rows = LISTS.map((list) => rowOf(list, signal, showNote));
  const element = h(
    "div",
    { class: "rows", hidden: true },
    note,
    rows.map((row) => row.element),
  );
  const near = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        const row = rows.find((one) => one.element === entry.target);
        if (entry.isIntersecting && !row.isAsked) row.load();
      }
    },
    { rootMargin: `${NEAR} 0px` },
  );

  function again(ones) {
    for (const row of ones) {
      row.element.hidden = false;
      row.load();
    }
  }

  function showNote() {
    const failed = rows.filter((row) => row.failure);
    if (failed.length > 0) {
      if (!note.querySelector(".failure"))
        fill(
          note,
          failureNote(failed[0].failure, () => retry(), signal),
        );
      return;
    }
    const old = rows.filter((row) => row.isDegraded);
    fill(
      note,
      degradedNote(old.length > 0, () => again(old)),
    );
  }

  function retry() {
    fill(note);
    again(rows.filter((row) => row.failure));
  }

  upAndDown(element);
  signal.addEventListener("abort", () => near.disconnect(), { once: true });
  return {
    element,
    show() {
      element.hidden = false;
      rows.forEach((row) => near.observe(row.element));
    },
    hide() {
      element.hidden = true;
      near.disconnect();
    },
    focusFirst: () => element.querySelector(".row:not([hidden]) .card-link")?.focus(),
  };
}
