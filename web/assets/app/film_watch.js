/* Where a film can be watched, in the visitor's country first. The data is JustWatch's and says so; its terms want the
 * link to lead to TMDB's page. */
import { justWatchLine, linkOut, tmdbAttribution } from "../common/attribution.js";
import { fill, h, uniqueId } from "../common/dom.js";
import { nameOf, t } from "../common/i18n.js";
import { quietPicture } from "./poster.js";
import { visitorRegion } from "./region.js";

const SHOWN_MAX = 8;

/** @typedef {import("./films.js").ProviderRegion} ProviderRegion @typedef {import("./films.js").Provider} Provider */

/** @param {Provider} provider */
function providerView({ provider_name, logo }) {
  return h(
    "li",
    { class: "provider" },
    logo && quietPicture(logo.w92 ?? logo.original, { width: 28, height: 28 }),
    provider_name,
  );
}

/** @param {string} label @param {Provider[]} providers */
function group(label, providers) {
  const single = [...new Map(providers.map((one) => [one.provider_id, one])).values()];
  if (single.length === 0) return null;
  return [
    h("dt", {}, label),
    h("dd", {}, h("ul", { class: "providers", role: "list" }, single.slice(0, SHOWN_MAX).map(providerView))),
  ];
}

/** @param {ProviderRegion|undefined} here @param {string} region */
function offers(here, region) {
  const groups = here && [
    group(t("watch.stream"), here.flatrate),
    group(t("watch.free"), [...here.free, ...here.ads]),
    group(t("watch.rent"), here.rent),
    group(t("watch.buy"), here.buy),
  ];
  if (!groups?.some(Boolean)) return h("p", { class: "muted" }, t("watch.none", { region: nameOf("region", region) }));
  return [
    h("dl", { class: "watch-groups" }, groups),
    here.link && h("p", { class: "watch-all" }, linkOut(here.link, {}, t("watch.all"))),
  ];
}

/** @param {{results: ProviderRegion[], attribution: string|null}|null} watchProviders */
export function watchSection(watchProviders) {
  const regions = watchProviders?.results ?? [];
  if (regions.length === 0) return null;
  const own = visitorRegion();
  const codes = [...new Set([own, ...regions.map((one) => one.region)])];
  codes.sort((a, b) => nameOf("region", a).localeCompare(nameOf("region", b), document.documentElement.lang));
  const id = uniqueId("region");
  const box = h("div", { class: "watch-offers", "aria-live": "polite" });
  const show = (region) =>
    fill(
      box,
      offers(
        regions.find((one) => one.region === region),
        region,
      ),
    );
  const select = h(
    "select",
    { id, value: own, on: { change: () => show(select.value) } },
    codes.map((code) => h("option", { value: code }, nameOf("region", code))),
  );
  show(own);
  return h(
    "section",
    { class: "film-section watch" },
    h(
      "div",
      { class: "watch-head" },
      h("h3", {}, t("watch.title")),
      h("label", { for: id, class: "visually-hidden" }, t("watch.region")),
      select,
    ),
    box,
    h(
      "div",
      { class: "source" },
      justWatchLine({ ...tmdbAttribution, justwatch: watchProviders.attribution ?? tmdbAttribution.justwatch }),
    ),
  );
}
