/* Small facts about films, as words. */
import { formatNumber, hasWord, t } from "../common/i18n.js";

/** Our word for a genre when there is one, otherwise the source's. */
export function genreName(genre) {
  return hasWord(`genre.${genre.id}`) ? t(`genre.${genre.id}`) : (genre.name ?? "");
}

/** "Drama, Crime" of a list's item. */
export function genreNames(ids, max = 2) {
  return ids
    .map((id) => genreName({ id }))
    .filter(Boolean)
    .slice(0, max)
    .join(", ");
}

/** "2 h 22 min" */
export function runtimeText(minutes) {
  const h = Math.floor(minutes / 60);
  const m = minutes % 60;
  if (h === 0) return t("film.minutes", { n: m });
  return m === 0 ? t("film.hours_only", { h }) : t("film.hours", { h, m });
}

/** "8.7" */
export function averageText(average) {
  return formatNumber(Math.round(average * 10) / 10);
}
