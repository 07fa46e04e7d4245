/* Durations, times and colours, the same in every view. */
import { currentLanguage } from "../common/i18n.js";

const COLOURS = 8;
/* The services of CineSync have their colours whoever else is there. */
const KNOWN = ["gateway", "movie", "user", "notification"];
const given = new Map(KNOWN.map((name, i) => [`cinesync-${name}`, i]));

/** The class that sets --service. */
export function colourOf(service) {
  if (!given.has(service)) given.set(service, given.size);
  return `service-${given.get(service) % COLOURS}`;
}

function number(value, digits) {
  return new Intl.NumberFormat(currentLanguage(), { maximumFractionDigits: digits }).format(value);
}

function digitsFor(value) {
  return value >= 100 ? 0 : value >= 10 ? 1 : 2;
}

const UNITS = {
  en: ["µs", "ms", "s", "min"],
  ru: ["мкс", "мс", "с", "мин"],
};

/** "850 µs", "12.3 ms", "1.24 s". @param {number} us */
export function duration(us) {
  const units = UNITS[currentLanguage()] ?? UNITS.en;
  if (us < 1000) return `${number(us, 0)} ${units[0]}`;
  if (us < 1e6) return `${number(us / 1e3, digitsFor(us / 1e3))} ${units[1]}`;
  if (us < 120e6) return `${number(us / 1e6, digitsFor(us / 1e6))} ${units[2]}`;
  return `${number(us / 60e6, 1)} ${units[3]}`;
}

/** "0.4", "12". */
export function rate(perSecond) {
  return number(perSecond, perSecond >= 10 ? 0 : perSecond >= 0.1 ? 1 : 3);
}

export function percent(share) {
  return new Intl.NumberFormat(currentLanguage(), { style: "percent", maximumFractionDigits: share < 0.1 ? 1 : 0 }).format(share);
}

/** "14:03:21.123" of today, with the day of another one. @param {number} us since 1970 */
export function clock(us) {
  const date = new Date(us / 1000);
  const isToday = date.toDateString() === new Date().toDateString();
  return new Intl.DateTimeFormat(currentLanguage(), {
    ...(isToday ? {} : { day: "numeric", month: "short" }),
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
    hourCycle: "h23",
  }).format(date);
}
