/* The account of whoever is signed in: the profile, the library as a whole (account_library.js), and what keeps it safe
 * (account_security.js). */
import { h, uniqueId } from "../common/dom.js";
import { formatDate, t } from "../common/i18n.js";
import { currentUser, onSession, patchProfile, signOut } from "../common/session.js";
import { librarySections } from "./account_library.js";
import { securitySections } from "./account_security.js";
import { openDialog } from "./dialog.js";
import { choice, field, form } from "./form.js";
import { mailLanguages } from "./sign_in.js";
import { toast } from "./toast.js";

function profileForm(user) {
  const name = field(
    "display_name",
    t("user.name"),
    h("input", { type: "text", autocomplete: "name", maxlength: 80, value: user.display_name ?? "" }),
    { hint: t("user.name_hint") },
  );
  const language = field("language", t("user.language"), choice(mailLanguages(), user.language));
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
      librarySections(life.signal),
      securitySections(user, life.signal),
      h("button", { type: "button", class: "button button-quiet sign-out", on: { click: leave } }, t("user.sign_out")),
    ),
  );
  onSession(() => {
    if (!currentUser()) dialog.close();
  }, life.signal);
}
