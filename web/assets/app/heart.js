/* The heart: whether a film is kept, and keeping it. Somebody signed out is asked to sign in first, and is then not made
 * to press again. */
import { h } from "../common/dom.js";
import { icon } from "../common/icons.js";
import { t } from "../common/i18n.js";
import { currentUser } from "../common/session.js";
import { openSignIn } from "./sign_in.js";
import { addFavorite, isFavorite, onFavoriteFailure, onFavorites, removeFavorite } from "./favorites.js";
import { problemText } from "./problem_words.js";
import { toast } from "./toast.js";

/** @typedef {{id: number, title: string, year: number|null, poster_path: string|null}} HeartFilm */

/** @param {HeartFilm} film */
export async function toggleFavorite(film) {
  if (!currentUser()) {
    const signedIn = await openSignIn(t("user.to_keep", { title: film.title }));
    if (signedIn && !isFavorite(film.id)) await addFavorite(film);
    return;
  }
  if (!isFavorite(film.id)) {
    await addFavorite(film);
    return;
  }
  toast(t("fav.removed", { title: film.title }), {
    action: { label: t("fav.undo"), run: () => currentUser() && addFavorite(film) },
  });
  await removeFavorite(film);
}

/** @param {HeartFilm} film @param {AbortSignal} signal @param {{wide?: boolean}} [look] wide: with words */
export function heartButton(film, signal, { wide = false } = {}) {
  const words = wide ? h("span", {}) : null;
  const button = h(
    "button",
    {
      type: "button",
      class: wide ? "button heart-wide" : "heart",
      on: { click: () => toggleFavorite(film) },
    },
    icon("heart"),
    words,
  );
  const show = () => {
    const isKept = isFavorite(film.id);
    button.setAttribute("aria-pressed", String(isKept));
    if (words) words.textContent = t(isKept ? "fav.in" : "fav.add");
    else button.setAttribute("aria-label", t(isKept ? "fav.remove_title" : "fav.add_title", { title: film.title }));
  };
  show();
  onFavorites(show, signal);
  return button;
}

onFavoriteFailure((error, { title, wasWanted }) => {
  toast(`${t(wasWanted ? "fav.failed_add" : "fav.failed_remove", { title })} ${problemText(error)}`, { error });
});
