/* Building the page without markup: every text becomes a text node and every value an attribute, so data can never turn
 * into elements or script. innerHTML and its relatives are used nowhere in these pages. */

/** @typedef {Node|string|number|null|undefined|false|Child[]} Child  Falsy ones but 0 are left out. */
/** @typedef {Object<string, any>} Props
 *  on: {event: listener} · data: {name: value} for data-* · css: {"--x": value} custom properties ·
 *  value, checked, disabled… as properties when the element has them · the rest as attributes. */

const SVG = "http://www.w3.org/2000/svg";
const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "open", "selected", "inert", "indeterminate"]);

/** Only these can be followed from a link; anything else (javascript:, data:) gives null. */
export function safeUrl(text) {
  try {
    const url = new URL(text, location.href);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}

function setAttribute(element, name, value) {
  if (/^on/i.test(name) || name === "style" || name === "srcdoc") throw new TypeError(`h() does not take ${name}`);
  if (name === "href" || name === "src") {
    if (!value.startsWith("#") && safeUrl(value) === null) return;
  }
  element.setAttribute(name, value);
}

/** @param {Element} element @param {Props} props */
export function setProps(element, props) {
  for (const [name, value] of Object.entries(props)) {
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "css")
      for (const [property, text] of Object.entries(value)) element.style.setProperty(property, text);
    else if (PROPERTIES.has(name)) element[name] = value;
    else if (value === true) setAttribute(element, name, "");
    else if (value !== false && value !== null && value !== undefined) setAttribute(element, name, String(value));
  }
  return element;
}

/** @param {Node} parent @param {...Child} children */
export function append(parent, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    parent.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return parent;
}

/** @param {string} tag @param {Props} [props] @param {...Child} children @returns {HTMLElement} */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  append(element, ...children); /* before the properties: a select's value needs its options */
  return setProps(element, props ?? {});
}

/** The same for SVG. @returns {SVGElement} */
export function s(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes ?? {}))
    if (value !== null && value !== undefined) setAttribute(element, name, String(value));
  return append(element, ...children);
}

/** Replaces what is inside. @param {Element} parent @param {...Child} children */
export function fill(parent, ...children) {
  parent.replaceChildren();
  return append(parent, ...children);
}

let serial = 0;
/** An id nobody else on the page has. */
export function uniqueId(prefix = "x") {
  return `${prefix}-${++serial}`;
}

/** Calls fn once, ms after the last call; .cancel() forgets it, .flush() calls it now if one is due. */
export function debounce(fn, ms) {
  let timer = 0;
  let last = [];
  const later = (...args) => {
    last = args;
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = 0;
      fn(...last);
    }, ms);
  };
  later.cancel = () => {
    clearTimeout(timer);
    timer = 0;
  };
  later.flush = () => {
    if (timer) {
      later.cancel();
      fn(...last);
    }
  };
  return later;
}

/** A list of listeners that goes with an AbortSignal. */
export class Emitter {
  #listeners = new Set();

  /** @param {Function} listener @param {AbortSignal} [signal] */
  listen(listener, signal) {
    this.#listeners.add(listener);
    signal?.addEventListener("abort", () => this.#listeners.delete(listener), { once: true });
  }

  emit(...args) {
    for (const listener of [...this.#listeners]) listener(...args);
  }
}
