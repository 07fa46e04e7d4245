/* A film, opened: a dialog over the list it was found in. Its address is the list's with &movie=ID. What it shows is in
 * film_body.js. */
import { fill, h, uniqueId } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { openDialog } from "./dialog.js";
import { failureNote } from "./failure.js";
import { filmBody } from "./film_body.js";
import { filmDetails } from "./films.js";
import { leaveFilm, route } from "./route.js";

function loading(titleId) {
  return h(
    "div",
    { class: "film film-ghost" },
    h(
      "div",
      { class: "film-main" },
      h("div", { class: "film-poster" }, h("div", { class: "poster" })),
      h("p", { id: titleId, class: "muted" }, t("loading")),
    ),
  );
}

/* Loads into the box, until it works or the signal ends it. */
async function load(id, box, titleId, signal, onTitle) {
  const again = () => load(id, box, titleId, signal, onTitle);
  box.setAttribute("aria-busy", "true");
  fill(box, loading(titleId));
  try {
    const film = await filmDetails(id, signal);
    if (signal.aborted) return;
    fill(box, filmBody(film, { titleId, signal, again }));
    onTitle(film.title);
  } catch (error) {
    if (signal.aborted) return;
    fill(box, failureNote(error, again, signal));
  }
  box.removeAttribute("aria-busy");
}

/** Shows the film the address names, or none.
 *  @param {{signal: AbortSignal, onTitle: (title: string) => void}} around */
export function filmDialog({ signal, onTitle }) {
  /** @type {{id: string, dialog: HTMLDialogElement, life: AbortController}|null} */
  let shown = null;

  /* The close event comes late: by then another film may be open. */
  function closed(opening) {
    opening.life.abort();
    if (shown !== opening) return;
    shown = null;
    onTitle("");
    if (route().movie === opening.id) leaveFilm({ ...route(), movie: "" });
  }

  function open(id) {
    const titleId = uniqueId("film");
    const box = h("div", { class: "film-box" });
    const opening = { id, dialog: null, life: new AbortController() };
    opening.dialog = openDialog({ className: "dialog-film", labelledBy: titleId, onClose: () => closed(opening) }, box);
    shown = opening;
    load(id, box, titleId, opening.life.signal, onTitle);
  }

  function leave() {
    const left = shown;
    shown = null;
    left?.life.abort();
    left?.dialog.close();
  }

  signal.addEventListener("abort", leave, { once: true });
  return {
    /** @param {import("./route.js").Route} now */
    show(now) {
      if (now.movie === (shown?.id ?? "")) return;
      leave();
      onTitle("");
      if (now.movie) open(now.movie);
    },
  };
}
