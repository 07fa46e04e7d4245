/* The icons, drawn on a grid of 24; each call makes a new one. They say nothing to a screen reader: label the button. */
import { s } from "./dom.js";

const STROKES = {
  search: ["M10.5 18a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15z", "m16 16 5 5"],
  close: ["M5 5l14 14", "M19 5 5 19"],
  heart: ["M12 20.3 4.6 13a4.9 4.9 0 0 1 0-7 5 5 0 0 1 7 0l.4.5.4-.5a5 5 0 0 1 7 0 4.9 4.9 0 0 1 0 7z"],
  person: ["M12 12a4.2 4.2 0 1 0 0-8.4 4.2 4.2 0 0 0 0 8.4z", "M4 20.5c.8-3.8 4-6 8-6s7.2 2.2 8 6"],
  globe: [
    "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
    "M3.5 9.5h17",
    "M3.5 14.5h17",
    "M12 3c-5 5-5 13 0 18",
    "M12 3c5 5 5 13 0 18",
  ],
  link: [
    "M10 14a4.5 4.5 0 0 0 6.4 0l3-3A4.5 4.5 0 0 0 13 4.6l-1.2 1.2",
    "M14 10a4.5 4.5 0 0 0-6.4 0l-3 3A4.5 4.5 0 0 0 11 19.4l1.2-1.2",
  ],
  lock: ["M6 11h12v9H6z", "M8.5 11V8a3.5 3.5 0 0 1 7 0v3"],
  download: ["M12 4v11", "m7 11 5 4.5 5-4.5", "M5 20h14"],
  copy: ["M9 9h11v11H9z", "M5 15H4V4h11v1"],
  chevron: ["m9 6 6 6-6 6"],
  play: ["M7 4.5v15l12-7.5z"],
  menu: ["M4 7h16", "M4 12h16", "M4 17h16"],
  clock: ["M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z", "M12 7v5l3.5 2"],
  film: ["M4 5h16v14H4z", "M8 5v14", "M16 5v14", "M4 9.7h4", "M4 14.3h4", "M16 9.7h4", "M16 14.3h4"],
};

/** @param {keyof typeof STROKES} name @param {string} [className] */
export function icon(name, className = "icon") {
  return s(
    "svg",
    { viewBox: "0 0 24 24", class: className, "aria-hidden": "true", focusable: "false" },
    STROKES[name].map((d) => s("path", { d })),
  );
}

/** The sign of CineSync: two frames of a film in step. */
export function logo() {
  return s(
    "svg",
    { viewBox: "0 0 32 32", class: "logo-sign", "aria-hidden": "true", focusable: "false" },
    s("rect", { x: 2, y: 6, width: 20, height: 20, rx: 5, class: "logo-back" }),
    s("rect", { x: 10, y: 6, width: 20, height: 20, rx: 5, class: "logo-front" }),
    s("path", { d: "M17.5 11.6v8.8l7-4.4z", class: "logo-play" }),
  );
}
