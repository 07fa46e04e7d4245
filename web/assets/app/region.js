/* The country of the person, guessed from the languages the browser asks for: nothing else here tells. */

const ELSEWHERE = "US";

function regionOf(tag) {
  try {
    return new Intl.Locale(tag).region ?? "";
  } catch {
    return "";
  }
}

function likelyRegionOf(tag) {
  try {
    return new Intl.Locale(tag).maximize().region ?? "";
  } catch {
    return "";
  }
}

/** Of these tags the first that names a country; else the one where most speak the first: "de" is "DE".
 *  @param {readonly string[]} [tags] */
export function visitorRegion(tags = navigator.languages ?? [navigator.language]) {
  const found = tags.map(regionOf).find(Boolean) || likelyRegionOf(tags[0] ?? "");
  return /^[A-Z]{2}$/.test(found) ? found : ELSEWHERE;
}
