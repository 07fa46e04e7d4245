/* Who is signed in, and the tokens that prove it.
 *
 * The access token lives in memory alone, for the quarter of an hour or so that it is good for. The refresh token lives
 * in localStorage, so that a reload, a new tab or tomorrow finds the person signed in (README.md says why there). It is
 * good for one use: whoever refreshes holds the lock "cinesync-session" over all tabs, and tells the others the new
 * access token, so that they need not refresh themselves. Where a browser has no locks (a plain http:// address other
 * than this machine's), two tabs may refresh at once: the server gives both the same successor for a few seconds. */
import { Problem, call } from "./api.js";
import { Emitter } from "./dom.js";

const KEY = "cinesync.refresh_token";
/** Shows the server that this device has been let in before; worth nothing without the password. */
const DEVICE_KEY = "cinesync.device_token";
const LOCK = "cinesync-session";
const RETRY_MAX_S = 30;

/** @typedef {{id: string, email: string, display_name: string|null, language: string, role: string, is_active: boolean,
 *  created_at: string}} User */

const changes = new Emitter();
const channel = "BroadcastChannel" in window ? new BroadcastChannel(LOCK) : null;

let access = "";
/** @type {User|null} */
let user = null;
/** @type {"restoring"|"in"|"out"} */
let state = "out";
/** @type {Promise<string>|null} */
let flight = null;
let retryTimer = 0;

/* Storage can be switched off or full; the session then lasts as long as the page. null: storage works. */
let withoutStorage = null;
function refreshToken() {
  if (withoutStorage !== null) return withoutStorage;
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}
function keepRefreshToken(token) {
  try {
    if (token) localStorage.setItem(KEY, token);
    else localStorage.removeItem(KEY);
    withoutStorage = null;
  } catch {
    withoutStorage = token;
  }
}

function deviceToken() {
  try {
    return localStorage.getItem(DEVICE_KEY) ?? undefined;
  } catch {
    return undefined;
  }
}
function keepDeviceToken(token) {
  try {
    if (token) localStorage.setItem(DEVICE_KEY, token);
  } catch {
    /* The device stays unknown: log-ins from it are counted with everybody's. */
  }
}

function become(nextState, nextUser) {
  state = nextState;
  user = nextUser;
  changes.emit(state, user);
}

/** @param {{access_token: string, refresh_token: string}} tokens */
function take(tokens) {
  access = tokens.access_token;
  keepRefreshToken(tokens.refresh_token);
  channel?.postMessage({ type: "access", access });
}

function forget() {
  access = "";
  keepRefreshToken("");
  clearTimeout(retryTimer);
  become("out", null);
}

function locked(fn) {
  return navigator.locks ? navigator.locks.request(LOCK, fn) : fn();
}

const signedOut = () => new Problem({ code: "signed-out", status: 401 });

/* Trades the refresh token in. A 401 ends the session, unless another tab has traded meanwhile. */
async function rotate(stale) {
  if (access && access !== stale) return access;
  const token = refreshToken();
  if (!token) {
    forget();
    throw signedOut();
  }
  try {
    take(await call("POST", "/auth/refresh", { body: { refresh_token: token } }));
  } catch (error) {
    if (error.status !== 401 && error.status !== 422) throw error;
    if (refreshToken() && refreshToken() !== token) return rotate(stale);
    forget();
    throw signedOut();
  }
  return access;
}

/** One refresh at a time in this tab, one over all tabs. @param {string} stale the token that no longer works */
function refresh(stale) {
  flight ??= locked(() => rotate(stale)).finally(() => {
    flight = null;
  });
  return flight;
}

/** As call(), with the access token; refreshes once when it has expired. */
export async function callAsUser(method, path, options = {}) {
  const token = access || (await refresh(""));
  try {
    return await call(method, path, { ...options, token });
  } catch (error) {
    if (error.status !== 401) throw error;
    return call(method, path, { ...options, token: await refresh(token) });
  }
}

async function loadUser() {
  become("in", await callAsUser("GET", "/users/me"));
}

/** Signs in with what an earlier page left behind; keeps trying while the server is away. */
export async function restore(waitS = 1) {
  if (!refreshToken()) return become("out", null);
  if (state !== "restoring") become("restoring", null);
  try {
    await loadUser();
  } catch (error) {
    if (!(error instanceof Problem) || !error.isPassing) return state === "out" ? undefined : forget();
    const nextS = Math.min(error.retryAfterS ?? waitS, RETRY_MAX_S);
    retryTimer = setTimeout(() => restore(Math.min(waitS * 2, RETRY_MAX_S)), nextS * 1000);
  }
}

/** @param {string} email @param {string} password
 *  @param {{code?: string, recovery_code?: string}} [second] the second factor, when the server asks for one */
export async function signIn(email, password, second = {}) {
  clearTimeout(retryTimer);
  const tokens = await call("POST", "/auth/login", {
    body: { email, password, device_token: deviceToken(), ...second },
  });
  keepDeviceToken(tokens.device_token);
  take(tokens);
  await loadUser();
  channel?.postMessage({ type: "in" });
}

/** Makes the account and signs in with it. @param {{email: string, password: string, display_name?: string,
 *  language?: string}} account
 *  @returns {Promise<boolean>} false: the server wants the address proven first, and has written to it */
export async function signUp(account) {
  const made = await call("POST", "/auth/register", { body: account });
  if (!made?.id) return false;
  try {
    await signIn(account.email, account.password);
  } catch (error) {
    if (error.code === "email-not-verified") return false;
    throw error;
  }
  return true;
}

/** The account has changed on the server. */
export function reloadUser() {
  return loadUser();
}

/** Ends the session here and, if it can be reached, at the server. @param {"this"|"others"|"all"} [scope] */
export async function signOut(scope = "this") {
  const hadSession = access || refreshToken();
  try {
    if (hadSession) await callAsUser("POST", "/auth/logout", { body: { scope } });
  } catch {
    /* The tokens are thrown away all the same; the server's copy runs out by itself. */
  }
  forget();
  channel?.postMessage({ type: "out" });
}

/** @param {{display_name?: string|null, language?: string}} changed */
export async function patchProfile(changed) {
  become("in", await callAsUser("PATCH", "/users/me", { body: changed }));
  channel?.postMessage({ type: "profile", user });
}

/** listener(state, user) on every change. */
export function onSession(listener, signal) {
  changes.listen(listener, signal);
}

export function currentUser() {
  return user;
}

export function sessionState() {
  return state;
}

/** An access token other than the stale one; "" when nobody is signed in. */
export async function userToken(stale = "") {
  if (access && access !== stale) return access;
  return refreshToken() ? refresh(stale) : "";
}

function leaveWithOthers() {
  if (state === "out" && !access) return;
  access = "";
  if (withoutStorage !== null) withoutStorage = "";
  clearTimeout(retryTimer);
  become("out", null);
}

channel?.addEventListener("message", ({ data }) => {
  if (data.type === "access") access = data.access;
  else if (data.type === "in") loadUser().catch(() => {});
  else if (data.type === "profile" && user && data.user.id === user.id) become("in", data.user);
  else if (data.type === "out") leaveWithOthers();
});

/* Browsers without BroadcastChannel, and people who clear the storage by hand. */
window.addEventListener("storage", (event) => {
  if (event.key !== null && event.key !== KEY) return;
  if (!refreshToken()) leaveWithOthers();
  else if (state === "out" && !channel) restore();
});
