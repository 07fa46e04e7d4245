/* Signing in and up: the dialog, and what may come between the password and being in: a second factor, an address that
 * is to be proven, a forgotten password. */
import { call } from "../common/api.js";
import { fill, h, uniqueId } from "../common/dom.js";
import { currentLanguage, t } from "../common/i18n.js";
import { currentUser, signIn, signUp } from "../common/session.js";
import { openDialog } from "./dialog.js";
import { choice, field, form, passwordInput } from "./form.js";
import { toast } from "./toast.js";

export const mailLanguages = () => ({ en: t("lang.en"), ru: t("lang.ru") });

/** What to call this person. @param {import("../common/session.js").User} user */
export function nameToShow(user) {
  return user.display_name || user.email;
}

/** A box for an address. @param {string} [value] */
export function addressField(value = "", autocomplete = "username") {
  return field(
    "email",
    t("user.email"),
    h("input", { type: "email", autocomplete, required: true, value, maxlength: 254 }),
  );
}

/** A box for a password, with an eye. @param {string} name as the API has it */
export function passwordField(name, label, autocomplete, more) {
  const { input, toggle } = passwordInput(autocomplete);
  const password = field(name, label, input, more);
  password.row.append(toggle);
  return password;
}

/** A box for the code of a second factor. */
export function codeField(label = t("factor.code")) {
  return field(
    "code",
    label,
    h("input", { type: "text", inputmode: "numeric", autocomplete: "one-time-code", required: true, maxlength: 40 }),
  );
}

/** As the log-in takes it: six digits are a code, anything else one of the recovery codes. */
export function secondFactor(text) {
  const typed = text.trim();
  return /^\d{6}$/.test(typed.replace(/\s/g, "")) ? { code: typed.replace(/\s/g, "") } : { recovery_code: typed };
}

function resendButton(email) {
  const button = h(
    "button",
    {
      type: "button",
      class: "link-button",
      on: {
        click: async () => {
          button.disabled = true;
          try {
            await call("POST", "/auth/verify-email/resend", { body: { email } });
            toast(t("user.mail_sent"));
          } catch (error) {
            toast(t("problem.unknown"), { error });
          }
        },
      },
    },
    t("user.resend"),
  );
  return button;
}

function signInForm({ email, done, show }) {
  const address = addressField(email);
  const password = passwordField("password", t("user.password"), "current-password");
  const element = form({
    fields: [address, password],
    submit: t("user.sign_in"),
    send: async () => {
      try {
        await signIn(address.input.value, password.input.value);
      } catch (error) {
        if (error.code === "second-factor-required") return show("factor", address.input.value, password.input.value);
        if (error.code === "email-not-verified") return show("unproven", address.input.value);
        throw error;
      }
      done(t("user.welcome_back", { name: nameToShow(currentUser()) }));
    },
  });
  const forgot = h(
    "button",
    { type: "button", class: "link-button", on: { click: () => show("forgot", address.input.value) } },
    t("user.forgot"),
  );
  return { first: address, elements: [element, h("p", { class: "form-aside" }, forgot)], address };
}

function factorForm({ email, password, done }) {
  const code = codeField();
  const element = form({
    fields: [code],
    submit: t("user.sign_in"),
    send: async () => {
      await signIn(email, password, secondFactor(code.input.value));
      done(t("user.welcome_back", { name: nameToShow(currentUser()) }));
    },
  });
  return { first: code, elements: [h("p", { class: "muted" }, t("factor.ask")), element], address: null };
}

function signUpForm({ email, done, show }) {
  const address = addressField(email);
  const name = field(
    "display_name",
    t("user.name"),
    h("input", { type: "text", autocomplete: "name", maxlength: 80 }),
    { hint: t("user.name_hint") },
  );
  const password = passwordField("password", t("user.password"), "new-password", { hint: t("user.password_hint") });
  const language = field("language", t("user.language"), choice(mailLanguages(), currentLanguage()));
  const element = form({
    fields: [address, name, password, language],
    submit: t("user.sign_up"),
    send: async () => {
      const isIn = await signUp({
        email: address.input.value,
        password: password.input.value,
        language: language.input.value,
        display_name: name.input.value.trim() || null,
      });
      if (isIn) done(t("user.welcome", { name: nameToShow(currentUser()) }));
      else show("unproven", address.input.value);
    },
  });
  return { first: address, elements: [element], address };
}

function forgotForm({ email, show }) {
  const address = addressField(email);
  const element = form({
    fields: [address],
    submit: t("user.send_link"),
    send: async () => {
      await call("POST", "/auth/password/forgot", { body: { email: address.input.value } });
      show("sent", address.input.value);
    },
  });
  return { first: address, elements: [h("p", { class: "muted" }, t("user.forgot_text")), element], address };
}

const notes = {
  sent: ({ email }) => ({ elements: [h("p", {}, t("user.sent_text", { email }))] }),
  unproven: ({ email }) => ({
    elements: [h("p", {}, t("user.unproven_text", { email })), h("p", {}, resendButton(email))],
  }),
};

const forms = { in: signInForm, up: signUpForm, factor: factorForm, forgot: forgotForm, ...notes };
const titles = {
  in: "user.sign_in",
  up: "user.sign_up",
  factor: "factor.title",
  forgot: "user.forgot_title",
  sent: "user.look_mail",
  unproven: "user.look_mail",
};

function swapLine(mode, swap) {
  if (mode !== "in" && mode !== "up") return null;
  const isUp = mode === "up";
  return h(
    "p",
    { class: "form-swap" },
    t(isUp ? "user.have_account" : "user.no_account"),
    " ",
    h("button", { type: "button", class: "link-button", on: { click: swap } }, t(isUp ? "user.sign_in" : "user.sign_up")),
  );
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
    function show(mode, email, password = "") {
      const { first, elements, address } = forms[mode]({ email, password, done, show });
      fill(
        box,
        h("h2", { id: titleId }, t(titles[mode])),
        reason && h("p", { class: "muted" }, reason),
        elements,
        swapLine(mode, () => show(mode === "up" ? "in" : "up", address.input.value)),
      );
      first?.input.focus();
    }
    show(isNew ? "up" : "in", "");
  });
}
