/* Which token goes with a tried call: that of the session (shared with the site) or a pasted one, which is kept in
 * memory alone. */
import { Problem } from "../common/api.js";
import { Emitter, fill, h, uniqueId } from "../common/dom.js";
import { icon } from "../common/icons.js";
import { currentUser, onSession, signIn, signOut, userToken } from "../common/session.js";
import { copyButton } from "./text.js";

let pasted = "";
const changes = new Emitter();
onSession(() => changes.emit());

/** listener() when another token, or none, is in use. */
export function onToken(listener) {
  changes.listen(listener);
}

/** @param {string} token "" for none */
export function pasteToken(token) {
  pasted = token.trim().replace(/^Bearer\s+/i, "");
  changes.emit();
}

/** The token to send; "" for none. @param {string} [stale] one that was refused */
export async function tokenToSend(stale = "") {
  if (pasted) return pasted === stale ? "" : pasted;
  try {
    return await userToken(stale);
  } catch {
    return "";
  }
}

/** Who a call is made as. */
export function whoText() {
  if (pasted) return "a pasted token";
  return currentUser()?.email ?? "";
}

function labelled(label, input) {
  input.id = uniqueId("auth");
  return h("div", { class: "field" }, h("label", { for: input.id }, label), input);
}

function signInForm(close) {
  const email = h("input", { type: "email", autocomplete: "username", required: true });
  const password = h("input", { type: "password", autocomplete: "current-password", required: true });
  const failure = h("p", { class: "failure", role: "alert" });
  return h(
    "form",
    {
      class: "auth-form",
      on: {
        submit: async (event) => {
          event.preventDefault();
          fill(failure);
          try {
            await signIn(email.value, password.value);
            pasteToken("");
            close();
          } catch (error) {
            if (!(error instanceof Problem)) throw error;
            fill(failure, error.detail || error.title || error.code, error.traceId && ` (trace ${error.traceId})`);
          }
        },
      },
    },
    h("h3", {}, "Log in"),
    h(
      "p",
      { class: "muted" },
      "Through POST /auth/login. The session is the site’s own: you are signed in there, too.",
    ),
    labelled("E-mail", email),
    labelled("Password", password),
    failure,
    h("button", { type: "submit", class: "button button-strong" }, "Log in"),
  );
}

function pasteForm(close) {
  const token = h("textarea", { rows: 3, spellcheck: "false", autocomplete: "off", value: pasted, class: "mono" });
  return h(
    "form",
    {
      class: "auth-form",
      on: {
        submit: (event) => {
          event.preventDefault();
          pasteToken(token.value);
          close();
        },
      },
    },
    h("h3", {}, "Or paste an access token"),
    h("p", { class: "muted" }, "Kept until this page is left. Empty it to go without."),
    labelled("Access token", token),
    h("button", { type: "submit", class: "button" }, "Use this token"),
  );
}

function whoNow(close) {
  const leave = async () => {
    if (pasted) pasteToken("");
    else await signOut();
    close();
  };
  let token = "";
  tokenToSend().then((found) => {
    token = found;
  });
  return (
    whoText() &&
    h(
      "div",
      { class: "auth-now" },
      h("p", {}, "Calls are made as ", h("strong", {}, whoText()), "."),
      copyButton(() => token, "Copy the access token"),
      h("button", { type: "button", class: "button", on: { click: leave } }, pasted ? "Forget this token" : "Log out"),
    )
  );
}

function openAuthorise() {
  const titleId = uniqueId("auth");
  const close = () => dialog.close();
  const dialog = h(
    "dialog",
    { class: "dialog", "aria-labelledby": titleId, on: { close: () => dialog.remove() } },
    h(
      "div",
      { class: "dialog-body auth", tabindex: -1, autofocus: true },
      h("h2", { id: titleId }, "Authorise"),
      whoNow(close),
      signInForm(close),
      pasteForm(close),
    ),
    h(
      "button",
      { type: "button", class: "icon-button dialog-close", "aria-label": "Close", on: { click: close } },
      icon("close"),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
}

/** The button that says who, and lets one change it. */
export function authoriseButton() {
  const button = h("button", { type: "button", class: "button authorise", on: { click: openAuthorise } });
  const show = () => fill(button, icon("lock"), h("span", {}, whoText() || "Authorise"));
  show();
  onToken(show);
  return button;
}
