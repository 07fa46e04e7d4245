/* The second factor: turning it on (secret, first code, recovery codes), new recovery codes, turning it off. */
import { fill, h } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { callAsUser } from "../common/session.js";
import { failureNote } from "./failure.js";
import { form } from "./form.js";
import { codeField, passwordField, secondFactor } from "./sign_in.js";
import { toast } from "./toast.js";

const PATH = "/users/me/second-factor";

/* In fours, as authenticators take it. */
const inFours = (secret) => secret.replace(/(.{4})(?=.)/g, "$1 ");

function codesShown(box, codes) {
  fill(
    box,
    h("p", { role: "status" }, t("factor.is_on")),
    h("p", {}, t("factor.codes_text")),
    h(
      "ul",
      { class: "codes", role: "list" },
      codes.map((code) => h("li", {}, h("code", {}, code))),
    ),
  );
}

function confirmForm(box, { secret, otpauth_uri }) {
  const code = codeField(t("factor.first_code"));
  fill(
    box,
    h("p", {}, t("factor.secret_text")),
    h("p", {}, h("code", { class: "secret" }, inFours(secret))),
    /* Opens the authenticator of this device, where there is one. */
    h("p", {}, h("code", { class: "secret-uri" }, otpauth_uri)),
    form({
      fields: [code],
      submit: t("factor.turn_on"),
      send: async () => {
        const answer = await callAsUser("POST", `${PATH}/confirm`, { body: { code: code.input.value.trim() } });
        codesShown(box, answer.recovery_codes);
      },
    }),
  );
}

function beginForm(box) {
  const password = passwordField("password", t("user.password"), "current-password");
  fill(
    box,
    h("p", { class: "muted" }, t("factor.why")),
    form({
      fields: [password],
      submit: t("factor.begin"),
      send: async () => {
        confirmForm(box, await callAsUser("POST", PATH, { body: { password: password.input.value } }));
      },
    }),
  );
}

function onForms(box) {
  const password = passwordField("password", t("user.password"), "current-password");
  const code = codeField();
  const proof = () => ({ password: password.input.value, ...secondFactor(code.input.value) });
  const renew = async () => {
    try {
      const answer = await callAsUser("POST", `${PATH}/recovery-codes`, { body: proof() });
      codesShown(box, answer.recovery_codes);
    } catch (error) {
      toast(error.detail || t("problem.unknown"), { error });
    }
  };
  fill(
    box,
    h("p", {}, t("factor.is_on")),
    form({
      fields: [password, code],
      submit: t("factor.turn_off"),
      send: async () => {
        await callAsUser("POST", `${PATH}/disable`, { body: proof() });
        toast(t("factor.is_off"));
        beginForm(box);
      },
    }),
    h("button", { type: "button", class: "link-button", on: { click: renew } }, t("factor.new_codes")),
  );
}

/** @param {HTMLElement} box @param {import("../common/session.js").User} user @param {AbortSignal} signal */
export function secondFactorPart(box, user, signal) {
  const again = () => secondFactorPart(box, user, signal);
  callAsUser("GET", PATH, { signal })
    .then((answer) => (answer.is_enabled ? onForms : beginForm)(box))
    .catch((error) => error.name === "AbortError" || fill(box, failureNote(error, again, signal)));
}
