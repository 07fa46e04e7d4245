/* The library as a whole: bringing one from elsewhere, saving it as a file, and what it comes to in figures. */
import { fill, h } from "../common/dom.js";
import { formatNumber, t } from "../common/i18n.js";
import { callAsUser } from "../common/session.js";
import { part, saveFile } from "./account_parts.js";
import { failureNote } from "./failure.js";
import { loadFavorites } from "./favorites.js";
import { choice, field, form } from "./form.js";
import { toast } from "./toast.js";

const LOOK_MS = 1000;
const ROWS = 50;

/* ---- bringing one from elsewhere ---- */

const COUNTS = ["added", "changed", "unchanged", "unmatched", "refused", "unreadable", "skipped"];

/** Looks until it is not at work any more. @param {(one: any) => void} show @returns {Promise<any>} */
async function followImport(path, show, signal) {
  for (;;) {
    const one = await callAsUser("GET", path, { signal });
    show(one);
    if (one.state !== "running") return one;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    signal.throwIfAborted();
  }
}

function progressLine(one) {
  const share = one.rows ? one.rows_done / one.rows : 1;
  return h(
    "div",
    { class: "import-progress" },
    h("progress", { max: 1, value: share, "aria-label": t("import.progress") }),
    h("p", { class: "muted" }, one.waits_for ? t("import.waits") : t("import.rows", { done: one.rows_done, all: one.rows })),
  );
}

function countsList(one) {
  return h(
    "ul",
    { class: "import-counts", role: "list" },
    COUNTS.filter((name) => one.counts[name] > 0).map((name) =>
      h("li", {}, h("strong", {}, formatNumber(one.counts[name])), " ", t(`import.${name}`)),
    ),
  );
}

/** A row nobody found a film for: what the file says, and the films it may be. */
function rowLine(path, row, again) {
  const match = async (film) => {
    try {
      await callAsUser("POST", `${path}/matches`, { body: { row: row.row, movie_id: film.movie_id } });
      again();
    } catch (error) {
      toast(t("problem.unknown"), { error });
    }
  };
  const name = [row.title ?? row.imdb_id ?? row.movie_id, row.year && `(${row.year})`].filter(Boolean).join(" ");
  return h(
    "li",
    {},
    h("p", {}, h("strong", {}, name || row.detail), " ", h("span", { class: "muted" }, t(`import.why.${row.reason}`))),
    row.candidates.map((film) =>
      h(
        "button",
        { type: "button", class: "button button-quiet", on: { click: () => match(film) } },
        [film.title, film.year && `(${film.year})`].filter(Boolean).join(" "),
      ),
    ),
  );
}

async function showOutcome(box, path, signal) {
  const one = await followImport(path, (now) => fill(box, progressLine(now)), signal);
  const { results } = await callAsUser("GET", `${path}/rows`, { query: { limit: ROWS }, signal });
  const again = () => watchImport(box, path, signal);
  const apply = async () => {
    await callAsUser("POST", `${path}/apply`);
    again();
  };
  if (one.state === "done") loadFavorites();
  fill(
    box,
    h("p", { role: "status" }, t(`import.state.${one.state}`)),
    one.failure && h("p", {}, one.failure),
    countsList(one),
    one.state === "ready" &&
      h("button", { type: "button", class: "button button-strong", on: { click: apply } }, t("import.apply")),
    results.length > 0 && h("h3", {}, t("import.left")),
    results.length > 0 &&
      h(
        "ul",
        { class: "import-rows", role: "list" },
        results.map((row) => rowLine(path, row, again)),
      ),
  );
}

function watchImport(box, path, signal) {
  showOutcome(box, path, signal).catch(
    (error) => error.name === "AbortError" || fill(box, failureNote(error, () => watchImport(box, path, signal), signal)),
  );
}

function importPart(box, signal) {
  const outcome = h("div", { class: "import-outcome" });
  const file = field("file", t("import.file"), h("input", { type: "file", accept: ".zip,.csv,.json", required: true }), {
    hint: t("import.file_hint"),
  });
  const into = field(
    "into",
    t("import.into"),
    choice({ watchlist: t("import.watchlist"), watched: t("import.watched"), favorites: t("import.favorites") }, "watchlist"),
    { hint: t("import.into_hint") },
  );
  fill(
    box,
    h("p", {}, t("import.text")),
    form({
      fields: [file, into],
      submit: t("import.look"),
      send: async () => {
        const [chosen] = file.input.files;
        if (!chosen) return file.say(t("import.choose"));
        const one = await callAsUser("POST", "/users/me/imports", {
          query: { dry_run: true, into: into.input.value },
          body: chosen,
        });
        watchImport(outcome, `/users/me/imports/${one.id}`, signal);
      },
    }),
    outcome,
  );
}

/* ---- saving it ---- */

const FILES = { json: "cinesync-library.json", csv: "cinesync-library.csv", letterboxd: "cinesync-letterboxd.csv" };

function exportPart(box) {
  const save = async (format) => {
    try {
      saveFile(await callAsUser("GET", "/users/me/library/export", { query: { format }, asFile: true }), FILES[format]);
    } catch (error) {
      toast(t("problem.unknown"), { error });
    }
  };
  fill(
    box,
    h("p", {}, t("export.text")),
    h(
      "div",
      { class: "export-buttons" },
      Object.keys(FILES).map((format) =>
        h("button", { type: "button", class: "button", on: { click: () => save(format) } }, t(`export.${format}`)),
      ),
    ),
  );
}

/* ---- in figures ---- */

function ranking(title, lines) {
  return (
    lines.length > 0 && [
      h("h3", {}, title),
      h(
        "ol",
        { class: "stats-list", role: "list" },
        lines.map(([name, count]) => h("li", {}, h("span", {}, name), " ", h("strong", {}, formatNumber(count)))),
      ),
    ]
  );
}

function statsPart(box, signal) {
  callAsUser("GET", "/users/me/stats", { query: { top: 5 }, signal })
    .then((stats) =>
      fill(
        box,
        h("p", {}, t("stats.films", { n: stats.films }), " · ", t("stats.hours", { n: Math.round(stats.hours) })),
        stats.details_pending > 0 && h("p", { class: "muted" }, t("stats.pending")),
        ranking(
          t("stats.years"),
          stats.periods.map((one) => [one.period, one.films]),
        ),
        ranking(
          t("stats.genres"),
          stats.genres.map((one) => [one.name, one.films]),
        ),
        ranking(
          t("stats.directors"),
          stats.directors.map((one) => [one.name, one.films]),
        ),
      ),
    )
    .catch((error) => error.name === "AbortError" || fill(box, failureNote(error, () => statsPart(box, signal), signal)));
}

/** @param {AbortSignal} signal */
export function librarySections(signal) {
  return h(
    "div",
    { class: "account-parts" },
    part(t("stats.title"), (box) => statsPart(box, signal)),
    part(t("import.title"), (box) => importPart(box, signal)),
    part(t("export.title"), exportPart),
  );
}
