/* The shapes of drawn posters, on 200 x 300 units. Each takes a brush (dice and four colours) and gives the nodes. */
import { s } from "../common/dom.js";

/** @typedef {{chance: () => number, light: string, dark: string, top: string, bottom: string}} Brush */

export const W = 200;
export const H = 300;

const rect = (x, y, width, height, fill, more) => s("rect", { x, y, width, height, fill, ...more });
const circle = (cx, cy, r, fill, more) => s("circle", { cx, cy, r, fill, ...more });
const path = (d, fill, more) => s("path", { d, fill, ...more });
const line = (x1, y1, x2, y2, stroke, opacity, transform) =>
  s("line", { x1, y1, x2, y2, stroke, "stroke-width": 1.5, "stroke-opacity": opacity, transform });
const between = (brush, low, high) => low + brush.chance() * (high - low);
const range = (n) => [...Array(n).keys()];

function stars(brush, n, yMax) {
  return range(n).map(() =>
    circle(between(brush, 4, 196), between(brush, 4, yMax), between(brush, 0.4, 1.3), "#fff", {
      "fill-opacity": between(brush, 0.3, 0.9).toFixed(2),
    }),
  );
}

function ridge(brush, y, height, steps) {
  const points = range(steps + 1).map((i) => `${(W / steps) * i},${(y - brush.chance() * height).toFixed(1)}`);
  return `M0,${H} L${points.join(" L")} L${W},${H} Z`;
}

function smoothHill(brush, y, height) {
  const a = between(brush, -height, height);
  return `M0,${H} V${y} C60,${y - a} 140,${y + a} ${W},${y - a / 3} V${H} Z`;
}

/** @type {Object<string, (brush: Brush) => any[]>} */
export const motifs = {
  gridsun: (b) => {
    const r = between(b, 48, 58);
    const stripe = (i) => {
      const half = Math.sqrt(Math.max(0, r * r - (i * 12 - 4) ** 2)) + 0.5;
      return rect(100 - half, 132 + i * 12, half * 2, 3 + i * 1.4, b.dark);
    };
    return [
      stars(b, 24, 120),
      circle(100, 138, r, b.light),
      range(5).map(stripe),
      rect(0, 190, W, 110, b.dark),
      range(13).map((i) => line(100 + (i - 6) * 9, 190, 100 + (i - 6) * 52, 300, b.light, 0.5)),
      range(6).map((i) => line(0, 192 + i * i * 3.4, W, 192 + i * i * 3.4, b.light, 0.5)),
    ];
  },
  comet: (b) => {
    const x = between(b, 50, 90);
    const y = between(b, 120, 150);
    return [
      stars(b, 40, 280),
      range(4).map((i) =>
        path(`M${x - 5 + i * 2},${y - 14 + i * 3} L220,${-20 + i * 26} L${x + 14},${y + 12 - i * 2} Z`, b.light, {
          "fill-opacity": 0.2 + i * 0.12,
        }),
      ),
      circle(x, y, 15, b.light),
      circle(between(b, 120, 175), between(b, 190, 230), 34, b.dark, { "fill-opacity": 0.6 }),
    ];
  },
  helmet: (b) => [
    stars(b, 30, 280),
    path("M34,300 C34,250 58,232 70,226 H130 C142,232 166,250 166,300 Z", b.light, { "fill-opacity": 0.8 }),
    circle(100, 142, 72, b.light),
    s("rect", { x: 50, y: 104, width: 100, height: 74, rx: 36, fill: b.dark }),
    path("M66,132 C74,114 92,112 108,113", "none", { stroke: b.light, "stroke-width": 5, "stroke-linecap": "round" }),
    circle(between(b, 84, 128), between(b, 142, 160), 9, b.bottom),
  ],
  rays: (b) => {
    const y = between(b, 110, 150);
    return [
      range(16).map((i) =>
        path(`M100,${y} L84,-140 L116,-140 Z`, i % 2 ? b.light : b.dark, {
          "fill-opacity": i % 2 ? 0.55 : 0.35,
          transform: `rotate(${i * 22.5} 100 ${y})`,
        }),
      ),
      circle(100, y, between(b, 26, 38), b.light),
    ];
  },
  compass: (b) => {
    const turn = between(b, 10, 70).toFixed(0);
    return [
      circle(100, 122, 74, "none", { stroke: b.light, "stroke-width": 4 }),
      range(24).map((i) => line(100, 52, 100, i % 6 ? 58 : 66, b.light, 0.9, `rotate(${i * 15} 100 122)`)),
      path("M100,64 L112,122 L88,122 Z", b.light, { transform: `rotate(${turn} 100 122)` }),
      path("M100,180 L112,122 L88,122 Z", b.dark, { transform: `rotate(${turn} 100 122)` }),
      circle(100, 122, 5, b.bottom),
    ];
  },
  hills: (b) => [
    circle(between(b, 50, 150), between(b, 70, 110), between(b, 22, 38), b.light),
    path(ridge(b, 190, 60, 5), b.dark, { "fill-opacity": 0.35 }),
    path(ridge(b, 225, 50, 7), b.dark, { "fill-opacity": 0.6 }),
    path(ridge(b, 262, 40, 9), b.dark),
  ],
  mesas: (b) => {
    const x = between(b, 10, 90);
    return [
      circle(between(b, 70, 130), 150, between(b, 48, 62), b.light),
      path(`M0,220 H${x} L${x + 8},140 H${x + 52} L${x + 60},220 H${W} V300 H0 Z`, b.dark, { "fill-opacity": 0.7 }),
      path(`M0,250 H150 L155,196 H188 L192,250 H200 V300 H0 Z`, b.dark),
      rect(0, 258, W, 42, b.dark),
    ];
  },
  planet: (b) => {
    const x = between(b, 70, 130);
    const y = between(b, 95, 135);
    const r = between(b, 36, 50);
    const tilt = between(b, -30, 30).toFixed(0);
    return [
      stars(b, 44, 290),
      circle(x, y, r, b.light),
      path(`M${x},${y - r} A${r},${r} 0 0 0 ${x},${y + r} A${r * 1.2},${r * 1.2} 0 0 0 ${x},${y - r} Z`, b.dark, {
        "fill-opacity": 0.38,
        transform: `rotate(24 ${x} ${y})`,
      }),
      s("ellipse", {
        cx: x,
        cy: y,
        rx: r * 1.75,
        ry: r * 0.36,
        fill: "none",
        stroke: b.light,
        "stroke-width": 3,
        transform: `rotate(${tilt} ${x} ${y})`,
      }),
      circle(between(b, 20, 60), between(b, 30, 60), 6, b.light, { "fill-opacity": 0.7 }),
    ];
  },
  horizon: (b) => [
    circle(between(b, 60, 140), 162, between(b, 40, 60), b.light),
    rect(0, 165, W, 135, b.dark, { "fill-opacity": 0.75 }),
    range(7).map((i) =>
      rect(between(b, 30, 70) - i * 3, 174 + i * 13, between(b, 40, 100) + i * 6, 3, b.light, {
        "fill-opacity": 0.75 - i * 0.09,
        rx: 1.5,
      }),
    ),
  ],
  window: (b) => {
    const x = between(b, 48, 76);
    return [
      rect(x, 60, 84, 124, b.light),
      rect(x + 40, 60, 4, 124, b.dark),
      rect(x, 116, 84, 4, b.dark),
      path(`M${x},184 H${x + 84} L${x + 124},300 H${x - 70} Z`, b.light, { "fill-opacity": 0.22 }),
      path(`M${x + 18},300 v-62 a12,12 0 0 1 24,0 v62 Z`, b.dark),
      circle(x + 30, 214, 11, b.dark),
    ];
  },
  stairs: (b) => {
    const isLeft = b.chance() < 0.5;
    const flip = isLeft ? {} : { transform: `translate(${W} 0) scale(-1 1)` };
    return [
      circle(isLeft ? 148 : 52, 84, between(b, 24, 34), b.light),
      s(
        "g",
        flip,
        range(8).map((i) =>
          path(`M${i * 27},${290 - i * 24} h27 V300 h-27 Z`, b.dark, { "fill-opacity": 0.45 + i * 0.07 }),
        ),
      ),
    ];
  },
  rings: (b) => {
    const x = between(b, 70, 130);
    const y = between(b, 100, 140);
    return range(7).map((i) =>
      circle(x, y, 150 - i * 21, i % 2 ? b.dark : b.light, { "fill-opacity": i === 6 ? 1 : 0.16 + i * 0.05 }),
    );
  },
  speed: (b) => [
    range(9).map((i) => {
      const y = between(b, 10, 250);
      const length = between(b, 60, 170);
      const x = between(b, -40, 120);
      const thick = between(b, 3, 15);
      return path(`M${x},${y} h${length} l${-thick},${thick} h${-length} Z`, i % 3 ? b.light : b.dark, {
        "fill-opacity": between(b, 0.3, 0.9).toFixed(2),
        transform: "rotate(-24 100 150)",
      });
    }),
    circle(between(b, 90, 150), between(b, 80, 130), 20, b.light),
  ],
  confetti: (b) =>
    range(34).map((i) => {
      const x = between(b, 0, 200);
      const y = between(b, 0, 290);
      const fill = i % 3 === 0 ? b.dark : i % 3 === 1 ? b.light : "#fff";
      const size = between(b, 4, 11);
      const more = { "fill-opacity": 0.85, transform: `rotate(${between(b, 0, 90).toFixed(0)} ${x} ${y})` };
      return i % 2
        ? circle(x, y, size / 1.6, fill, more)
        : rect(x, y, size * 1.7, size * 0.7, fill, { rx: 1, ...more });
    }),
  spots: (b) => [
    circle(62, 96, 54, b.light, { "fill-opacity": 0.85 }),
    circle(between(b, 124, 148), 140, 42, b.dark, { "fill-opacity": 0.5 }),
    circle(between(b, 66, 92), 206, 30, "#fff", { "fill-opacity": 0.55 }),
    circle(158, 62, 15, b.light),
  ],
  rounds: (b) => {
    const y = between(b, 105, 140);
    const r = between(b, 44, 56);
    return [
      circle(100 - r * 0.5, y, r, b.light, { "fill-opacity": 0.8 }),
      circle(100 + r * 0.5, y, r, b.dark, { "fill-opacity": 0.45 }),
      path(smoothHill(b, 250, 16), b.dark, { "fill-opacity": 0.5 }),
    ];
  },
  city: (b) => [
    circle(between(b, 40, 160), between(b, 50, 84), 26, b.light),
    range(9).map((i) => {
      const height = between(b, 70, 180);
      const x = i * 23 - 4;
      return [
        rect(x, 300 - height, 24, height, b.dark, { "fill-opacity": 0.82 + (i % 2) * 0.18 }),
        range(Math.floor(height / 20)).map((row) =>
          [5, 14]
            .map(
              (dx) =>
                b.chance() < 0.45 && rect(x + dx, 308 - height + row * 18, 5, 8, b.light, { "fill-opacity": 0.9 }),
            )
            .filter(Boolean),
        ),
      ];
    }),
  ],
  blinds: (b) => [
    range(15).map((i) =>
      rect(-20, i * 21, 260, 10, b.light, {
        "fill-opacity": (0.75 - Math.abs(6 - i) * 0.075).toFixed(2),
        transform: "rotate(-7 100 150)",
      }),
    ),
    path(
      "M70,300 v-70 q0,-30 26,-34 v-12 q-14,-8 -12,-30 h-16 q30,-8 34,-20 q30,-4 38,16 q14,2 22,8 h-18 q2,20 -12,28 v10 q34,6 34,40 v64 Z",
      b.dark,
    ),
  ],
  moonwood: (b) => [
    circle(between(b, 60, 140), between(b, 80, 110), between(b, 34, 46), b.light),
    range(11).map((i) => {
      const x = i * 20 + between(b, -6, 6);
      const top = between(b, 120, 205);
      return path(
        `M${x - 13},300 L${x - 2},${top} L${x + 1},${top} L${x + 13},300 Z M${x},${top + 44} l15,-16 l-13,24 Z M${x},${top + 62} l-16,-13 l14,22 Z`,
        b.dark,
        { "fill-opacity": i % 2 ? 1 : 0.7 },
      );
    }),
  ],
  castle: (b) => [
    stars(b, 26, 160),
    circle(between(b, 120, 160), 64, 22, b.light),
    path(
      "M30,300 V188 h10 v-10 h8 v10 h10 v-40 l16,-40 l16,40 v26 h18 v-60 l18,-46 l18,46 v98 h14 v-10 h8 v10 h12 V300 Z",
      b.dark,
      { "fill-opacity": 0.85 },
    ),
    range(4).map((i) => rect(between(b, 58, 150), 196 + i * 22, 5, 10, b.light, { rx: 2.5 })),
    path(smoothHill(b, 268, 14), b.dark),
  ],
  columns: (b) => [
    path("M20,96 L100,48 L180,96 Z", b.light),
    rect(20, 100, 160, 12, b.light),
    range(5).map((i) => rect(28 + i * 33, 116, 14, 134, b.light, { "fill-opacity": 0.88 })),
    rect(12, 250, 176, 14, b.light),
    rect(0, 264, W, 36, b.dark, { "fill-opacity": 0.7 }),
    circle(between(b, 80, 120), 79, 6, b.dark),
  ],
  curtain: (b) => {
    const fold = (x, width, shade) =>
      path(`M${x},0 H${x + width} C${x + width - 4},120 ${x + width + 6},210 ${x + width},300 H${x} Z`, b.dark, {
        "fill-opacity": shade,
      });
    return [
      path(`M${between(b, 80, 120)},-10 L30,262 H170 Z`, b.light, { "fill-opacity": 0.34 }),
      s("ellipse", { cx: 100, cy: 262, rx: 72, ry: 15, fill: b.light, "fill-opacity": 0.85 }),
      range(3).map((i) => [fold(i * 19, 19, 0.95 - i * 0.2), fold(181 - i * 19, 19, 0.95 - i * 0.2)]),
      rect(0, 0, W, 20, b.dark),
      rect(0, 20, W, 3, b.light, { "fill-opacity": 0.6 }),
    ];
  },
  bars: (b) =>
    range(13).map((i) => {
      const height = between(b, 30, 190);
      return rect(10 + i * 14, 150 - height / 2 + 10, 8, height, i % 3 ? b.light : "#fff", {
        rx: 4,
        "fill-opacity": 0.9,
      });
    }),
  fog: (b) => [
    path("M78,300 V128 a22,22 0 0 1 44,0 V300 Z", b.light),
    path("M100,150 a9,9 0 0 1 5,16 l5,24 h-20 l5,-24 a9,9 0 0 1 5,-16 Z", b.dark),
    range(6).map(() =>
      s("ellipse", {
        cx: between(b, 20, 180),
        cy: between(b, 160, 280),
        rx: between(b, 50, 110),
        ry: between(b, 9, 22),
        fill: b.dark,
        "fill-opacity": between(b, 0.25, 0.5).toFixed(2),
      }),
    ),
  ],
  beams: (b) => [
    [between(b, 20, 50), between(b, 90, 110), between(b, 150, 180)].map((x) => {
      const lean = between(b, -90, 90);
      return path(`M${x - 5},270 L${x + lean - 26},0 H${x + lean + 26} L${x + 5},270 Z`, b.light, {
        "fill-opacity": 0.34,
      });
    }),
    path(ridge(b, 256, 20, 14), b.dark),
    path(ridge(b, 278, 16, 20), "#000", { "fill-opacity": 0.35 }),
  ],
  arches: (b) =>
    range(6)
      .map((i) => circle(100, 200, 132 - i * 21, [b.light, "#fff", b.dark][i % 3], { "fill-opacity": 0.82 }))
      .concat(rect(0, 206, W, 94, b.dark, { "fill-opacity": 0.9 })),
  lens: (b) => {
    const turn = between(b, 0, 60);
    return [
      circle(100, 124, 78, b.dark, { "fill-opacity": 0.55 }),
      range(6).map((i) =>
        path("M100,124 L100,50 A74,74 0 0 1 164,87 Z", b.light, {
          "fill-opacity": 0.3 + i * 0.11,
          transform: `rotate(${turn + i * 60} 100 124)`,
        }),
      ),
      circle(100, 124, 22, b.dark),
    ];
  },
};
