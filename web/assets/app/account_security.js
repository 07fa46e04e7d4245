/* What keeps an account safe: password, address, devices, second factor, a copy of everything, and the way out. Each part
 * is closed until somebody opens it, and asks the server only then. */
import { fill, h } from "../common/dom.js";
import { formatDate, t } from "../common/i18n.js";
import { callAsUser, signOut } from "../common/session.js";
import { part, saveFile } from "./account_parts.js";
import { failureNote } from "./failure.js";
import { form } from "./form.js";
import { secondFactorPart } from "./second_factor.js";
import { addressField, passwordField } from "./sign_in.js";
import { toast } from "./toast.js";

function passwordForm(box) {
  const current = passwordField("current_password", t("user.current_password"), "current-password");
  const next = passwordField("password", t("user.new_password"), "new-password", { hint: t("user.password_hint") });
  fill(
    box,
    form({
      fields: [current, next],
      submit: t("user.change_password"),
      send: async () => {
        await callAsUser("POST", "/users/me/password", {
          body: { current_password: current.input.value, password: next.input.value },
        });
        current.input.value = next.input.value = "";
        toast(t("user.password_changed"));
      },
    }),
  );
}

function addressForm(box) {
  const address = addressField("", "email");
  const password = passwordField("password", t("user.password"), "current-password");
  fill(
    box,
    form({
      fields: [address, password],
      submit: t("user.change_email"),
      send: async () => {
        const email = address.input.value;
        await callAsUser("POST", "/users/me/email", { body: { email, password: password.input.value } });
        fill(box, h("p", { role: "status" }, t("user.sent_text", { email })));
      },
    }),
  );
}

function deviceLine(session, again) {
  const leave = async () => {
    try {
      await callAsUser("DELETE", `/auth/sessions/${session.id}`);
      again();
    } catch (error) {
      toast(t("problem.unknown"), { error });
    }
  };
  return h(
    "li",
    { class: "device" },
    h(
      "div",
      {},
      h("strong", {}, session.device ?? t("devices.unknown")),
      h("p", { class: "muted" }, t("devices.used", { date: formatDate(session.last_used_at) }), " · ", session.ip_address),
    ),
    session.is_current
      ? h("span", { class: "muted" }, t("devices.this"))
      : h("button", { type: "button", class: "button button-quiet", on: { click: leave } }, t("user.sign_out")),
  );
}

function devices(box, signal) {
  const again = () => devices(box, signal);
  const leaveOthers = async () => {
    try {
      await callAsUser("POST", "/auth/logout", { body: { scope: "others" } });
      again();
    } catch (error) {
      toast(t("problem.unknown"), { error });
    }
  };
  callAsUser("GET", "/auth/sessions", { signal })
    .then(({ results }) =>
      fill(
        box,
        h(
          "ul",
          { class: "devices", role: "list" },
          results.map((session) => deviceLine(session, again)),
        ),
        results.length > 1 &&
          h("button", { type: "button", class: "button", on: { click: leaveOthers } }, t("devices.leave_others")),
      ),
    )
    .catch((error) => error.name === "AbortError" || fill(box, failureNote(error, again, signal)));
}

async function saveCopy() {
  try {
    const everything = await callAsUser("GET", "/users/me/export");
    saveFile(new Blob([JSON.stringify(everything, null, 2)], { type: "application/json" }), "cinesync.json");
  } catch (error) {
    toast(t("problem.unknown"), { error });
  }
}

function goodbye(box) {
  const password = passwordField("password", t("user.password"), "current-password");
  fill(
    box,
    h("p", {}, t("user.delete_text")),
    h("button", { type: "button", class: "button button-quiet", on: { click: saveCopy } }, t("user.export")),
    form({
      fields: [password],
      submit: t("user.delete"),
      send: async () => {
        const answer = await callAsUser("DELETE", "/users/me", { body: { password: password.input.value } });
        await signOut();
        toast(answer?.delete_at ? t("user.deleted_on", { date: formatDate(answer.delete_at) }) : t("user.deleted"));
      },
    }),
  );
}

/** @param {import("../common/session.js").User} user @param {AbortSignal} signal */
export function securitySections(user, signal) {
  return h(
    "div",
    { class: "account-parts" },
    part(t("user.change_password"), passwordForm),
    part(t("user.change_email"), addressForm),
    part(t("devices.title"), (box) => devices(box, signal)),
    part(t("factor.title"), (box) => secondFactorPart(box, user, signal)),
    part(t("user.delete_title"), goodbye),
  );
}
