/* Links out of mails: PUBLIC_URL/#verify-email=TOKEN, #reset-password=, #confirm-email=. The token is in the fragment,
 * which no server is sent, and is taken out of the address (and the history) before anything else happens. */
import { call } from "../common/api.js";
import { fill, h, uniqueId } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { currentUser, reloadUser } from "../common/session.js";
import { openDialog } from "./dialog.js";
import { form } from "./form.js";
import { problemText, traceLine } from "./problem_words.js";
import { openSignIn, passwordField } from "./sign_in.js";

const LINK = /^#(verify-email|reset-password|confirm-email)=([\w-]{20,200})$/;

function dialogWith(title) {
  const titleId = uniqueId("title");
  const box = h("div", { role: "status" });
  const dialog = openDialog(
    { className: "dialog-small", labelledBy: titleId, onClose: () => {} },
    h("div", { class: "account" }, h("h2", { id: titleId }, title), box),
  );
  return { dialog, box };
}

/* A person's click, not the opening of the page: what looks through mails for links opens pages, too. */
function proveAddress(path, token, title) {
  const { box } = dialogWith(title);
  const button = h(
    "button",
    {
      type: "button",
      class: "button button-strong",
      on: {
        click: async () => {
          button.disabled = true;
          try {
            await call("POST", path, { body: { token } });
            fill(box, h("p", {}, t("link.proven")));
            if (currentUser()) await reloadUser();
          } catch (error) {
            fill(box, h("p", {}, problemText(error)), traceLine(error));
          }
        },
      },
    },
    t("link.prove"),
  );
  fill(box, h("p", {}, t("link.prove_text")), button);
}

function newPassword(token) {
  const { dialog, box } = dialogWith(t("link.new_password"));
  const password = passwordField("password", t("user.new_password"), "new-password", { hint: t("user.password_hint") });
  fill(
    box,
    form({
      fields: [password],
      submit: t("user.save"),
      send: async () => {
        await call("POST", "/auth/password/reset", { body: { token, password: password.input.value } });
        dialog.close();
        openSignIn(t("link.password_set"));
      },
    }),
  );
  password.input.focus();
}

/** Does what the address asks for, if it asks for anything. */
export function followLink() {
  const [, kind, token] = LINK.exec(location.hash) ?? [];
  if (!kind) return;
  history.replaceState(history.state, "", location.pathname + location.search);
  if (kind === "reset-password") newPassword(token);
  else if (kind === "verify-email") proveAddress("/auth/verify-email", token, t("link.verify"));
  else proveAddress("/auth/confirm-email", token, t("link.confirm"));
}
