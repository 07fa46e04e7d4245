/* Posters for films that have none: an abstract picture in the colours and shapes of one of the film's genres, the same
 * every time for the same film. The background is two colours of CSS below it. */
import { s } from "../common/dom.js";
import { H, W, motifs } from "./art_shapes.js";

/** By TMDB's genre: the shapes that fit, and the colours [top, bottom, light, dark]. First those that say most of a film. */
const genres = [
  [
    37,
    ["mesas"],
    [
      ["#5a1f14", "#d9692b", "#ffc861", "#3a130c"],
      ["#6b3a1e", "#e39a4a", "#ffe0a0", "#3f1f0e"],
    ],
  ],
  [
    878,
    ["planet", "rings", "gridsun", "comet", "helmet"],
    [
      ["#2a0b3d", "#b8336a", "#ffd166", "#14061f"],
      ["#3a120c", "#c2562e", "#ffd9a0", "#1e0805"],
      ["#0b1030", "#33408f", "#9fe8ff", "#070a20"],
      ["#10182e", "#12636b", "#b8fff0", "#08121c"],
    ],
  ],
  [
    27,
    ["moonwood", "fog"],
    [
      ["#1a0508", "#7a1420", "#ff9b7a", "#0c0204"],
      ["#0d1414", "#2c4a44", "#d9f0c8", "#060a0a"],
    ],
  ],
  [
    16,
    ["arches", "spots"],
    [
      ["#143d8c", "#34a0d8", "#ffd84d", "#0c2450"],
      ["#6a1d7a", "#ef6a8e", "#ffe08a", "#3a0e45"],
    ],
  ],
  [
    10752,
    ["beams"],
    [
      ["#1d2415", "#6b6a38", "#f4e3a0", "#10140b"],
      ["#20222a", "#6d5a4a", "#ffd9a8", "#101115"],
    ],
  ],
  [
    99,
    ["lens"],
    [
      ["#10302e", "#2d7d6e", "#f3f0d8", "#0a1f1e"],
      ["#23262d", "#56606e", "#ffd166", "#121418"],
    ],
  ],
  [
    10402,
    ["bars"],
    [
      ["#2a0f4a", "#b8326e", "#ffce5c", "#160726"],
      ["#0c2347", "#4a59c8", "#ffd2ef", "#061226"],
    ],
  ],
  [
    14,
    ["castle", "hills"],
    [
      ["#1a1247", "#7a3fa8", "#ffd7f0", "#0e0a28"],
      ["#0e2a45", "#3b8a8c", "#fff1b0", "#081826"],
    ],
  ],
  [
    36,
    ["columns"],
    [
      ["#3b2416", "#a8743c", "#f8e6c0", "#22140b"],
      ["#22303b", "#7d8c82", "#f6ead0", "#141d24"],
    ],
  ],
  [
    80,
    ["blinds", "city"],
    [
      ["#0e1420", "#33475e", "#ffdf91", "#080b12"],
      ["#181014", "#5e2f38", "#f9c9a0", "#0d080a"],
    ],
  ],
  [
    9648,
    ["fog", "window"],
    [
      ["#0f1b2d", "#3d4f73", "#f7dfa3", "#080f1a"],
      ["#15151c", "#4c4668", "#e8d8ff", "#0a0a0f"],
    ],
  ],
  [
    10749,
    ["rounds", "horizon"],
    [
      ["#7a1f3d", "#f08a6c", "#ffe3c2", "#451022"],
      ["#5b2a5e", "#ef8fa0", "#fff0d0", "#341437"],
    ],
  ],
  [
    53,
    ["rings", "stairs"],
    [
      ["#15171c", "#8c1d18", "#ffd9b0", "#0b0c0f"],
      ["#101c22", "#25616e", "#ffe49a", "#081014"],
    ],
  ],
  [
    12,
    ["hills", "horizon", "compass"],
    [
      ["#12314f", "#4f93b8", "#ffe9b8", "#0a1c2e"],
      ["#0d3b4a", "#e0a050", "#fff0c0", "#0a2730"],
      ["#1c4430", "#8cae50", "#fff6c8", "#0f2a1d"],
    ],
  ],
  [
    28,
    ["speed", "city", "rays"],
    [
      ["#3b0d1c", "#c8264c", "#ffe0b0", "#22070f"],
      ["#23100a", "#d8481c", "#ffd23e", "#150905"],
      ["#101a33", "#2f6fb0", "#ffe14d", "#0a1020"],
    ],
  ],
  [
    10751,
    ["spots", "arches", "hills"],
    [
      ["#125a6b", "#58b890", "#fff1a8", "#0a3540"],
      ["#8a3a12", "#f2a03c", "#fff3c4", "#4e200a"],
    ],
  ],
  [
    35,
    ["confetti", "spots"],
    [
      ["#b03a16", "#f5a623", "#fff2bf", "#6b1f0a"],
      ["#0f5f6e", "#f2b544", "#fff6dc", "#083a44"],
      ["#8a1f5a", "#f57f5b", "#ffe9a8", "#4f0f33"],
    ],
  ],
  [
    18,
    ["window", "horizon", "stairs", "rounds", "curtain"],
    [
      ["#1b2a3f", "#8a6a5a", "#ffdcae", "#101a28"],
      ["#2b1f2e", "#9c5a52", "#ffe0b8", "#18111a"],
      ["#17332f", "#7d8a5e", "#f8ecc0", "#0d1f1c"],
      ["#262a44", "#7a7fb0", "#f6e6ff", "#15182a"],
    ],
  ],
];
const anyFilm = [
  0,
  Object.keys(motifs),
  [
    ["#22262f", "#596275", "#ffd89a", "#12151b"],
    ["#2a2430", "#7a5a6e", "#ffe2c8", "#17131b"],
    ["#1d2f2f", "#5b7d72", "#fbeec2", "#101b1b"],
  ],
];

/** FNV-1a. */
function hash(text) {
  let value = 0x811c9dc5;
  for (const letter of text) value = Math.imul(value ^ letter.codePointAt(0), 0x01000193);
  return value >>> 0;
}

/** Mulberry32: numbers in [0, 1), the same for the same seed. */
function dice(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296;
  };
}

/** @param {{id: number, title: string, genre_ids: number[]}} film
 *  @returns {{picture: SVGElement, colours: Object<string, string>}} */
export function drawArt(film) {
  const telling = genres.filter(([id]) => film.genre_ids.includes(id)).slice(0, 2);
  const chance = dice(hash(`${film.id} ${film.title}`));
  const pick = (list) => list[Math.floor(chance() * list.length)];
  const [, shapes, palettes] = telling.length > 0 ? pick(telling) : anyFilm;
  const [top, bottom, light, dark] = pick(palettes);
  const nodes = motifs[pick(shapes)]({ chance, top, bottom, light, dark });
  return {
    picture: s(
      "svg",
      {
        viewBox: `0 0 ${W} ${H}`,
        preserveAspectRatio: "xMidYMid slice",
        "aria-hidden": "true",
        focusable: "false",
        class: "art-picture",
      },
      nodes,
    ),
    colours: { "--art-top": top, "--art-bottom": bottom, "--art-light": light },
  };
}
