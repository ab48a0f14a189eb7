// What all views share. A view is a function of its shadow root, its data and its picture.

async function start(name, view, data, style) {
  data = await unpacked(data);
  // A notebook may show one output in two places, under the same id.
  for (const host of document.querySelectorAll(`[id="${name}"]`)) {
    if (host.shadowRoot) continue;
    const picture = decoded(host.querySelector("img").src);
    const root = host.attachShadow({ mode: "open" }); // has no slot: the image is hidden
    root.append(element("style", {}, style));
    followTheme(host);
    view(root, data, picture);
  }
}

async function unpacked(text) {
  const stream = new Blob([bytes(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

function decoded(source) {
  return parse(new TextDecoder().decode(bytes(source.split(",")[1])));
}

function bytes(base64) {
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}

function parse(svg) {
  return document.importNode(new DOMParser().parseFromString(svg, "image/svg+xml").documentElement, true);
}

// Light or dark as the notebook says, and elsewhere as the reader's system does.
function followTheme(host) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const update = () => {
    const light = document.body.dataset.jpThemeLight ?? vscodeIsLight() ?? String(!system.matches);
    host.dataset.theme = light === "false" ? "dark" : "light";
  };
  system.addEventListener("change", update);
  new MutationObserver(update).observe(document.body, { attributeFilter: ["data-jp-theme-light", "class"] });
  update();
}

// A webview of VS Code has a class for its theme.
function vscodeIsLight() {
  const kinds = [...document.body.classList].filter((name) => name.startsWith("vscode-"));
  if (!kinds.length) return undefined;
  return String(kinds.some((name) => name.endsWith("light")));
}

// -- elements -----------------------------------------------------------------------------------

function element(tag, attributes = {}, ...children) {
  const result = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) result.addEventListener(name.slice(2), value);
    else if (value === true) result.setAttribute(name, "");
    else if (value !== false && value !== null) result.setAttribute(name, value);
  }
  result.append(...children.filter((child) => child !== null && child !== undefined));
  return result;
}

function shape(tag, attributes, ...children) {
  const result = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) result.setAttribute(name, value);
  result.append(...children);
  return result;
}

// Set a picture's legend below it, in entries that flow as words do, and return where it began.
function detachLegend(picture) {
  const legend = picture.querySelector("#legend");
  const [, top] = legend.getAttribute("transform").match(/[\d.]+/g).map(Number);
  const font = picture.getAttribute("font-family");
  const entries = [...legend.children].map((entry) => {
    const width = Math.ceil(Number(entry.dataset.width)) + 2;
    entry.removeAttribute("transform");
    return shape("svg", { width, viewBox: `0 0 ${width} 14`, "font-family": font }, entry);
  });
  legend.remove();
  return [top, element("div", { class: "legend", role: "group", "aria-label": "legend" }, ...entries)];
}

// Sentences come as parts: text, and names that are set apart.
function sentence(parts) {
  return parts.map((part) => (part.name === undefined ? minus(part) : element("b", {}, part.name)));
}

function spoken(parts) {
  return parts.map((part) => part.name ?? part).join("");
}

// A hyphen is easily overlooked before a number.
function minus(text) {
  return text.replace(/(^|[\s[(e])-(?=[\d.i])/g, "$1−");
}

function formula(mathml, kind) {
  if (!mathml) return null;
  const block = element("div", { class: kind });
  block.innerHTML = mathml; // written by the package; names in it are escaped
  block.replaceChildren(...broken(block.firstChild));
  return block;
}

// Return a formula in parts, so that a line breaks before a sign where it is too long.
function broken(whole) {
  const row = whole.children.length === 1 && whole.firstChild.localName === "mrow" ? whole.firstChild : whole;
  const parts = [];
  for (const child of [...row.children]) {
    const isSign = /^[=+−⋯]$/.test(child.textContent) && child.getAttribute("form") !== "prefix";
    if (parts.length && isSign) child.setAttribute("form", "infix"); // spaced as in the middle of a line
    if (!parts.length || isSign) parts.push(document.createElementNS(whole.namespaceURI, "math"));
    if (/^[()]$/.test(child.textContent)) child.setAttribute("stretchy", "false"); // the other may be in another part
    parts.at(-1).append(child);
  }
  return parts.flatMap((part) => [element("wbr"), part]);
}

function button(label, path, action, attributes = {}) {
  const icon = shape("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, shape("path", { d: path }));
  const text = element("span", {}, label);
  return element("button", { type: "button", onclick: action, ...attributes }, icon, text);
}

// -- arrays -------------------------------------------------------------------------------------

// An array as printed cells in the colours of the picture. `mark` is a cell that is pointed at;
// `onpick(row, column)` is called for one that is clicked.
function table(caption, array, heat, { mark = [], hide = false, onpick = null } = {}) {
  const body = array.rows.map((row, i) =>
    element("tr", {}, ...row.map((text, j) => {
      const marked = i === mark[0] && j === mark[1];
      const shown = hide && marked ? "?" : hide ? "" : text;
      const made = cell(shown, Number(array.top), heat, marked);
      if (onpick && text !== "…") made.addEventListener("click", () => onpick(i, j));
      return made;
    })),
  );
  return element("figure", { class: onpick ? "pickable" : null },
    element("table", { class: body[0].children.length > 6 ? `wide${body.length === 1 ? " line" : ""}` : null }, element("caption", {}, ...caption), element("tbody", {}, ...body)),
    array.note && !hide ? element("figcaption", {}, minus(array.note)) : null,
  );
}

// What is not a finite number has a sign that is seen from afar.
function withSign(text) {
  return ({ NaN: "✗ ", inf: "▲ ", "-inf": "▼ " }[text] ?? "") + minus(text);
}

function cell(text, top, heat, marked) {
  const levels = (heat.length - 1) / 2;
  const graded = level(Number(text), top, levels);
  const colour = graded === undefined || text === "" ? null : graded - levels; // pages.py has them
  return element("td", { class: marked ? "marked" : null, "data-level": colour }, withSign(text));
}

// Zero alone is white; everything else is graded by its share of the largest magnitude.
function level(x, top, levels) {
  if (!Number.isFinite(x)) return undefined;
  const share = Math.min(Math.max(Math.ceil((Math.abs(x) / (top || 1)) * levels), 1), levels);
  return levels + Math.sign(x) * share;
}

// -- stepping -----------------------------------------------------------------------------------

const ICONS = {
  first: "M4 3v10M13 3 6.5 8 13 13z",
  back: "M11 3 4.5 8 11 13z",
  next: "M5 3 11.5 8 5 13z",
  last: "M12 3v10M3 3 9.5 8 3 13z",
  play: "M4.5 2.5 13 8 4.5 13.5z",
  pause: "M5 3v10M11 3v10",
};

// Buttons, slider and keys for `count` positions, from 0. `show(position)` is called after each
// change. Nothing plays until somebody asks for it.
class Stepper {
  constructor(count, show, pace) {
    this.count = count;
    this.show = show;
    this.pace = pace;
    this.at = 0;
    this.timer = null;
    const step = (by) => () => { this.stop(); this.go(this.at + by); };
    this.first = button("First", ICONS.first, () => { this.stop(); this.go(0); });
    this.back = button("Back", ICONS.back, step(-1));
    this.next = button("Next", ICONS.next, step(1), { class: "main" });
    this.last = button("Last", ICONS.last, () => { this.stop(); this.go(count - 1); });
    this.play = button("Play", ICONS.play, () => this.toggle());
    this.slider = element("input", {
      type: "range", min: 1, max: count, value: 1, "aria-label": "step",
      oninput: () => { this.stop(); this.go(this.slider.value - 1); },
    });
    this.counter = element("span", { class: "counter" });
  }

  get buttons() {
    return [this.first, this.back, this.next, this.last, this.play];
  }

  go(position) {
    this.at = Math.min(Math.max(position, 0), this.count - 1);
    this.slider.value = this.at + 1;
    this.counter.textContent = `${this.at + 1} / ${this.count}`;
    for (const b of [this.first, this.back]) b.setAttribute("aria-disabled", this.at === 0);
    for (const b of [this.next, this.last]) b.setAttribute("aria-disabled", this.at === this.count - 1);
    this.show(this.at);
    if (this.at === this.count - 1) this.stop();
  }

  toggle() {
    if (this.timer) return this.stop();
    if (this.at === this.count - 1) this.go(0);
    this.timer = setInterval(() => this.go(this.at + 1), this.pace);
    this.label("Pause", ICONS.pause);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.label("Play", ICONS.play);
  }

  label(text, icon) {
    this.play.querySelector("span").textContent = text;
    this.play.querySelector("path").setAttribute("d", icon);
  }

  // Keys work wherever the focus is inside the view, except where they mean something else.
  key(event) {
    const moves = { ArrowLeft: this.at - 1, ArrowRight: this.at + 1, Home: 0, End: this.count - 1 };
    const target = event.composedPath()[0];
    const kind = target.type ?? target.localName;
    if (kind === "text") return event.stopPropagation(); // a notebook must not take Enter for itself
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === " " && !["button", "checkbox", "summary"].includes(kind)) this.toggle();
    else if (event.key in moves) { this.stop(); this.go(moves[event.key]); }
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // Listen inside the view; where that has the page to itself, also when nothing has the focus.
  listen(view, alone) {
    view.addEventListener("keydown", (event) => this.key(event));
    if (!alone) return;
    document.addEventListener("keydown", (event) => {
      if (event.target === document.body) this.key(event);
    });
  }
}

// Scroll a pane, never the page, until something in it is seen.
function reveal(pane, things) {
  const frame = pane.getBoundingClientRect();
  const boxes = things.map((thing) => thing.getBoundingClientRect());
  if (!boxes.length || !frame.height) return;
  const margin = 24;
  const move = (low, high, from, to) =>
    high - low > to - from || low < from ? low - from : high > to ? high - to : 0;
  const left = move(
    Math.min(...boxes.map((b) => b.left)) - margin, Math.max(...boxes.map((b) => b.right)) + margin,
    frame.left, frame.right);
  const top = move(
    Math.min(...boxes.map((b) => b.top)) - margin, Math.max(...boxes.map((b) => b.bottom)) + margin,
    frame.top, frame.bottom);
  const far = Math.abs(top) > 2 * frame.height || Math.abs(left) > 2 * frame.width;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (left || top) pane.scrollBy({ left, top, behavior: far || calm ? "auto" : "smooth" });
}
