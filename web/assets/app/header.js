/* The head of the page: the sign, the search box, favourites, the account, the language. */
import { debounce, fill, h } from "../common/dom.js";
import { icon, logo } from "../common/icons.js";
import { currentLanguage, t } from "../common/i18n.js";
import { currentUser, onSession, sessionState } from "../common/session.js";
import { openAccount } from "./account.js";
import { nameToShow, openSignIn } from "./sign_in.js";
import { favorites, onFavorites } from "./favorites.js";
import { go, href, route } from "./route.js";

const TYPING_MS = 180;
const QUERY_MAX = 200;

/** @param {{signal: AbortSignal, onDown: () => void}} around */
function searchBox({ signal, onDown }) {
  /* The first letters are a step for Back; the letters after them are not. */
  const use = () => {
    const now = route();
    const q = input.value.slice(0, QUERY_MAX);
    if (q.trim() === now.q.trim() && now.view === "") return;
    go(
      { q: q.trim() ? q : "", year: now.q ? now.year : "" },
      { replace: now.q.trim() !== "" && now.view === "" && q.trim() !== "" },
    );
  };
  const later = debounce(use, TYPING_MS);
  const input = h("input", {
    type: "search",
    class: "search-input",
    "aria-label": t("search.label"),
    placeholder: t("search.placeholder"),
    autocomplete: "off",
    spellcheck: "false",
    maxlength: QUERY_MAX,
    enterkeyhint: "search",
    on: {
      input: () => {
        clear.hidden = input.value === "";
        later();
      },
      keydown: (event) => {
        if (event.key === "ArrowDown") {
          event.preventDefault();
          later.flush();
          onDown();
        } else if (event.key === "Escape" && input.value) {
          event.preventDefault();
          empty();
        }
      },
    },
  });
  const clear = h(
    "button",
    {
      type: "button",
      class: "icon-button search-clear",
      "aria-label": t("search.clear"),
      hidden: true,
      on: { click: () => empty() },
    },
    icon("close"),
  );
  function empty() {
    input.value = "";
    clear.hidden = true;
    later();
    later.flush();
    input.focus();
  }
  signal.addEventListener("abort", later.cancel, { once: true });
  document.addEventListener(
    "keydown",
    (event) => {
      const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");
      if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || document.querySelector("dialog[open]"))
        return;
      event.preventDefault();
      input.select();
    },
    { signal },
  );
  return {
    element: h(
      "form",
      {
        class: "search",
        role: "search",
        on: {
          submit: (event) => {
            event.preventDefault();
            later.flush();
            onDown();
          },
        },
      },
      icon("search", "icon search-sign"),
      input,
      clear,
      h("kbd", { class: "search-key", "aria-hidden": "true" }, "/"),
    ),
    show(now) {
      if (input.value.trim() !== now.q.trim()) input.value = now.q;
      clear.hidden = input.value === "";
    },
  };
}

function favoritesLink(signal) {
  const count = h("span", { class: "badge", "aria-hidden": "true" });
  const link = h(
    "a",
    { class: "button button-quiet nav-favorites", href: href({ view: "favorites" }), data: { route: "" } },
    icon("heart"),
    h("span", { class: "nav-words" }, t("fav.open")),
    count,
  );
  const show = () => {
    const { items, hasMore } = favorites();
    fill(count, items.length ? `${items.length}${hasMore ? "+" : ""}` : "");
    count.hidden = items.length === 0;
  };
  show();
  onFavorites(show, signal);
  return {
    link,
    show: (now) => (now.view ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current")),
  };
}

function accountButton(signal) {
  const box = h("span", { class: "nav-account" });
  const show = () => {
    const user = currentUser();
    if (sessionState() === "restoring")
      fill(box, h("span", { class: "muted nav-restoring", role: "status" }, t("user.restoring")));
    else if (user)
      fill(
        box,
        h(
          "button",
          {
            type: "button",
            class: "avatar",
            "aria-label": t("user.menu", { name: nameToShow(user) }),
            title: nameToShow(user),
            on: { click: openAccount },
          },
          [...nameToShow(user)][0].toLocaleUpperCase(),
        ),
      );
    else
      fill(
        box,
        h(
          "button",
          { type: "button", class: "button button-strong nav-sign-in", on: { click: () => openSignIn() } },
          t("user.sign_in"),
        ),
      );
  };
  show();
  onSession(show, signal);
  return box;
}

function languageSwitch(onLanguage) {
  const next = { en: "ru", ru: "en" }[currentLanguage()];
  return h(
    "button",
    {
      type: "button",
      class: "button button-quiet nav-language",
      lang: next,
      title: t(`lang.${next}`),
      "aria-label": `${next.toUpperCase()}: ${t(`lang.${next}`)}`,
      on: { click: () => onLanguage(next) },
    },
    next.toUpperCase(),
  );
}

/** @param {{signal: AbortSignal, onDown: () => void, onLanguage: (tag: string) => void}} around */
export function pageHeader({ signal, onDown, onLanguage }) {
  const search = searchBox({ signal, onDown });
  const kept = favoritesLink(signal);
  return {
    element: h(
      "header",
      { class: "header" },
      h(
        "div",
        { class: "header-row" },
        h(
          "a",
          { class: "logo", href: href({}), data: { route: "" }, "aria-label": t("app.home") },
          logo(),
          h("span", { class: "logo-words" }, "CineSync"),
        ),
        search.element,
        h("nav", { class: "nav" }, kept.link, languageSwitch(onLanguage), accountButton(signal)),
      ),
    ),
    /** @param {import("./route.js").Route} now */
    show(now) {
      search.show(now);
      kept.show(now);
    },
  };
}
