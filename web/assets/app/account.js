/* Signing in and up, and the profile. */
import { fill, h, uniqueId } from "../common/dom.js";
import { currentLanguage, formatDate, t } from "../common/i18n.js";
import { currentUser, onSession, patchProfile, signIn, signOut, signUp } from "../common/session.js";
import { openDialog } from "./dialog.js";
import { choice, field, form, passwordInput } from "./form.js";
import { toast } from "./toast.js";

const languages = () => ({ en: t("lang.en"), ru: t("lang.ru") });

/** What to call this person. @param {import("../common/session.js").User} user */
export function nameToShow(user) {
  return user.display_name || user.email;
}

function signInForm(email, done) {
  const address = field(
    "email",
    t("user.email"),
    h("input", { type: "email", autocomplete: "username", required: true, value: email, maxlength: 254 }),
  );
  const { input, toggle } = passwordInput("current-password");
  const password = field("password", t("user.password"), input);
  password.row.append(toggle);
  return {
    address,
    element: form({
      fields: [address, password],
      submit: t("user.sign_in"),
      send: async () => {
        await signIn(address.input.value, input.value);
        done(t("user.welcome_back", { name: nameToShow(currentUser()) }));
      },
    }),
  };
}

function signUpForm(email, done) {
  const address = field(
    "email",
    t("user.email"),
    h("input", { type: "email", autocomplete: "username", required: true, value: email, maxlength: 254 }),
  );
  const name = field(
    "display_name",
    t("user.name"),
    h("input", { type: "text", autocomplete: "name", maxlength: 80 }),
    { hint: t("user.name_hint") },
  );
  const { input, toggle } = passwordInput("new-password");
  const password = field("password", t("user.password"), input, { hint: t("user.password_hint") });
  password.row.append(toggle);
  const language = field("language", t("user.language"), choice(languages(), currentLanguage()));
  return {
    address,
    element: form({
      fields: [address, name, password, language],
      submit: t("user.sign_up"),
      send: async () => {
        await signUp({
          email: address.input.value,
          password: input.value,
          language: language.input.value,
          display_name: name.input.value.trim() || null,
        });
        done(t("user.welcome", { name: nameToShow(currentUser()) }));
      },
    }),
  };
}

/** Asks to sign in or up. @param {string} [reason] why now @param {{isNew?: boolean}} [how]
 *  @returns {Promise<boolean>} whether somebody is signed in now */
export function openSignIn(reason = "", { isNew = false } = {}) {
  return new Promise((resolve) => {
    const titleId = uniqueId("title");
    const box = h("div", { class: "account" });
    const dialog = openDialog(
      { className: "dialog-small", labelledBy: titleId, onClose: () => resolve(Boolean(currentUser())) },
      box,
    );

    const done = (welcome) => {
      dialog.close();
      toast(welcome);
    };
    function show(makesNew, email) {
      const { address, element } = (makesNew ? signUpForm : signInForm)(email, done);
      const swap = () => show(!makesNew, address.input.value);
      fill(
        box,
        h("h2", { id: titleId }, t(makesNew ? "user.sign_up" : "user.sign_in")),
        reason && h("p", { class: "muted" }, reason),
        element,
        h(
          "p",
          { class: "form-swap" },
          t(makesNew ? "user.have_account" : "user.no_account"),
          " ",
          h(
            "button",
            { type: "button", class: "link-button", on: { click: swap } },
            t(makesNew ? "user.sign_in" : "user.sign_up"),
          ),
        ),
      );
      address.input.focus();
    }
    show(isNew, "");
  });
}

function profileForm(user) {
  const name = field(
    "display_name",
    t("user.name"),
    h("input", { type: "text", autocomplete: "name", maxlength: 80, value: user.display_name ?? "" }),
    { hint: t("user.name_hint") },
  );
  const language = field("language", t("user.language"), choice(languages(), user.language));
  return form({
    fields: [name, language],
    submit: t("user.save"),
    send: async () => {
      await patchProfile({ display_name: name.input.value.trim() || null, language: language.input.value });
      toast(t("user.saved"));
    },
  });
}

/** The profile of whoever is signed in. */
export function openAccount() {
  const user = currentUser();
  if (!user) return;
  const titleId = uniqueId("title");
  const life = new AbortController();
  const leave = async () => {
    await signOut();
    toast(t("user.signed_out"));
  };
  const dialog = openDialog(
    { className: "dialog-small", labelledBy: titleId, onClose: () => life.abort() },
    h(
      "div",
      { class: "account" },
      h("h2", { id: titleId }, t("user.account")),
      h("p", { class: "account-email" }, user.email),
      h("p", { class: "muted" }, t("user.since", { date: formatDate(user.created_at) })),
      profileForm(user),
      h("button", { type: "button", class: "button button-quiet sign-out", on: { click: leave } }, t("user.sign_out")),
    ),
  );
  onSession(() => {
    if (!currentUser()) dialog.close();
  }, life.signal);
}
