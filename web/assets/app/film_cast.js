/* Who plays in a film, the first ten. */
import { h } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { quietPicture } from "./poster.js";

const SHOWN_MAX = 10;

function initials(name) {
  const words = name.split(/\s+/).filter(Boolean);
  return [words[0], words.length > 1 && words.at(-1)]
    .filter(Boolean)
    .map((word) => [...word][0].toUpperCase())
    .join("");
}

/** @param {import("./films.js").CastMember} person */
function member({ name, character, profile }) {
  return h(
    "li",
    { class: "cast-member" },
    h(
      "span",
      { class: "cast-face", "aria-hidden": "true" },
      initials(name),
      profile && quietPicture(profile.w185 ?? profile.original, { width: 185, height: 278 }),
    ),
    h("span", { class: "cast-name" }, name),
    character && h("span", { class: "cast-character" }, character),
  );
}

/** @param {import("./films.js").CastMember[]} cast */
export function castSection(cast) {
  if (cast.length === 0) return null;
  return h(
    "section",
    { class: "film-section" },
    h("h3", {}, t("film.cast")),
    h("ul", { class: "cast", role: "list" }, cast.slice(0, SHOWN_MAX).map(member)),
  );
}
