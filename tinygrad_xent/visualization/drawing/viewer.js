// Looking around in a picture: zoom, pan, fit, a small map, search, and folding scopes and
// repetitions. `draw` shows a Viewer alone, the player has one for its graph.

// The page of `draw`. `data` is what `viewed` in player/frames.py writes.
function drawing(root, data, picture) {
  const told = element("p", { class: "told", role: "status" });
  const pane = element("div", { class: "graph alone", tabindex: 0, role: "group", "aria-label": "graph" });
  const viewer = new Viewer(pane, data.picture ? parse(data.picture) : picture, data);
  viewer.ontold = (text) => { told.textContent = text; };
  const view = element("section", { class: "view", "aria-label": picture.getAttribute("aria-label") },
    viewer.tools, viewer.part, viewer.detachLegend(), told,
    element("p", { class: "key" }, "Keys: + − zoom, 0 fits, arrows go from tensor to tensor, Enter folds and unfolds. Drag moves the picture."));
  root.append(view);
  view.addEventListener("keydown", (event) => viewer.key(event));
  return { viewer, view };
}

const SMALLEST = 0.08, LARGEST = 4, READABLE = 1; // 9 px is the smallest text of a picture

class Viewer {
  // Beside a player, which goes from step to step, arrow keys are not the viewer's.
  constructor(pane, picture, data, { isAlone = true } = {}) {
    this.isAlone = isAlone;
    this.pane = pane;
    this.picture = picture;
    this.main = picture.querySelector("g[transform]");
    this.ontold = () => {};
    this.scale = 0; // not yet fitted
    this.size = picture.getAttribute("viewBox").split(" ").map(Number);
    this.fullHeight = this.size[3];
    picture.removeAttribute("height");
    picture.setAttribute("role", "group"); // its boxes can be reached
    Object.assign(picture.style, { minWidth: "0", maxWidth: "none", height: "auto" });
    this.readBoxes();
    this.readArrows(data.arrows);
    this.readGroups(data);
    this.tools = this.makeTools();
    this.map = shape("svg", { class: "map", "aria-hidden": "true" });
    this.part = element("div", { class: "viewer" }, pane, this.map);
    if (!pane.contains(picture)) pane.append(picture);
    this.listen();
    this.arrange();
  }

  readBoxes() {
    this.boxes = new Map();
    for (const group of this.main.children) {
      if (!/^[ncf]\d+$/.test(group.id)) continue;
      const [x, y] = group.getAttribute("transform").match(/-?[\d.]+/g).map(Number);
      const [width, height] = sides(group.querySelector("rect"));
      const tip = group.querySelector("title").textContent;
      this.boxes.set(group.id, { group, x, y, width, height, tip, first: tip.split("\n")[0], parents: [] });
    }
    this.focused = null;
    // What stands beside the arrows goes where they go.
    this.notes = [...this.main.children].filter((mark) => !mark.id).map((mark) => ({
      mark, y: Number(mark.getAttribute("y") ?? mark.getAttribute("d").match(/-?[\d.]+/g)[1]),
    }));
  }

  readArrows(arrows) {
    this.arrows = arrows.map((ends, k) => {
      const group = this.picture.querySelector(`#e${k}`);
      const [wide, line, head] = group.querySelectorAll("path");
      return { ends, group, lines: [wide, line], head, points: points(line.getAttribute("d")), tip: head.getAttribute("d") };
    });
  }

  // A group's frame has its title, which folds it; the box that stands for it is ready.
  readGroups(data) {
    this.groups = (data.groups ?? []).map(({ title, boxes, parent, markup, holds }, k) => {
      const frame = this.picture.querySelector(`#s${k}`);
      const [x, y] = frame.getAttribute("transform").match(/-?[\d.]+/g).map(Number);
      const rect = frame.querySelector("rect");
      const [width, height] = sides(rect);
      const box = parse(markup);
      const [boxWidth, boxHeight] = sides(box.querySelector("rect"));
      this.main.append(box);
      const group = { k, title, boxes, parent, frame, rect, box, x, y, width, height, boxWidth, boxHeight, isFolded: false };
      for (const id of boxes) this.boxes.get(id).parents.unshift(group);
      const label = frame.querySelector("text");
      label.prepend(shape("tspan", { class: "sign" }, "▾ "));
      const toggle = () => { this.fold(group, !group.isFolded); this.focus(group.isFolded ? box : label); };
      for (const part of [label, box]) {
        for (const [name, value] of Object.entries({ role: "button", tabindex: 0 })) part.setAttribute(name, value);
        part.addEventListener("click", (event) => { if (!this.hasMoved) { event.stopPropagation(); toggle(); } });
        part.addEventListener("keydown", (event) => {
          if (event.key !== "Enter" && event.key !== " ") return;
          event.preventDefault();
          event.stopPropagation();
          toggle();
        });
      }
      label.setAttribute("aria-label", `${title}: fold`);
      label.setAttribute("aria-expanded", "true");
      box.setAttribute("aria-label", `${box.querySelector("title").textContent}: unfold`);
      box.setAttribute("aria-expanded", "false");
      return group;
    });
    this.depth = (group) => (group.parent < 0 ? 0 : 1 + this.depth(this.groups[group.parent]));
    this.holds = new Map(Object.entries(data.holds ?? {}));
    this.start(data.most ?? Infinity, new Set(data.open ?? []));
  }

  // Fold from the innermost outward until no more than `most` boxes are left.
  start(most, open) {
    for (let depth = Math.max(-1, ...this.groups.map(this.depth)); depth >= 0; depth--) {
      if ([...this.boxes.keys()].filter((id) => !this.outermost(id)).length <= most) break;
      for (const group of this.groups) {
        if (this.depth(group) === depth && !open.has(group.title)) group.isFolded = true;
      }
    }
  }

  // The folded group that hides a box; of several within each other the outermost.
  outermost(id) {
    return this.boxes.get(id).parents.filter((group) => group.isFolded).at(-1);
  }

  hides(group) {
    for (let at = group.parent; at >= 0; at = this.groups[at].parent) if (this.groups[at].isFolded) return true;
    return false;
  }

  fold(group, folded) {
    group.isFolded = folded;
    this.arrange();
    this.ontold(`${group.title} is ${folded ? "folded" : "unfolded"}.`);
  }

  // Let what follows a folded frame move up. Frames have their layers for themselves, so that a
  // folded one is a band across the picture that becomes less high; nothing moves sideways.
  arrange() {
    const bands = this.groups.filter((group) => group.isFolded && !this.hides(group)).sort((a, b) => a.y - b.y);
    const moved = (y) => {
      let up = 0;
      for (const band of bands) {
        const share = Math.min(Math.max((y - band.y) / band.height, 0), 1);
        up += share * (band.height - band.boxHeight);
      }
      return y - up;
    };
    this.moved = moved;
    const seen = [];
    for (const [id, box] of this.boxes) {
      const hidden = Boolean(this.outermost(id));
      show(box.group, !hidden);
      if (hidden) continue;
      box.top = moved(box.y);
      box.group.setAttribute("transform", `translate(${box.x} ${round(box.top)})`);
      seen.push({ ...box, y: box.top });
    }
    for (const group of this.groups) {
      const hidden = this.hides(group);
      const top = moved(group.y);
      show(group.frame, !hidden && !group.isFolded);
      show(group.box, !hidden && group.isFolded);
      group.frame.setAttribute("transform", `translate(${group.x} ${round(top)})`);
      group.rect.setAttribute("height", round(moved(group.y + group.height) - top));
      if (hidden) continue;
      if (group.isFolded) {
        group.left = Math.max(group.x + (group.width - group.boxWidth) / 2, 0);
        group.box.setAttribute("transform", `translate(${round(group.left)} ${round(top)})`);
        seen.push({ x: group.left, y: top, width: group.boxWidth, height: group.boxHeight, group: group.box });
      } else seen.push({ ...group, y: top, height: moved(group.y + group.height) - top, group: null });
    }
    for (const { mark, y } of this.notes) {
      show(mark, !bands.some((band) => band.y < y && y < band.y + band.height));
      mark.setAttribute("transform", `translate(0 ${round(moved(y) - y)})`);
    }
    this.lead(moved, bands.length > 0);
    this.seen = seen;
    const [left, , width] = this.size;
    this.picture.setAttribute("viewBox", `${left} 0 ${width} ${round(this.height)}`);
    this.redraw();
  }

  get height() {
    return this.moved(this.fullHeight);
  }

  // Lead the arrows to what stands for their ends. Of several into a folded box one is enough.
  lead(moved, isFolded) {
    const met = new Set();
    for (const { ends: [source, target], group, lines, head, points: all, tip } of this.arrows) {
      const [from, to] = [this.outermost(source), this.outermost(target)];
      const pair = `${from?.k ?? source} ${to?.k ?? target}`;
      const hidden = Boolean(from && from === to) || (Boolean(to) && met.has(pair));
      show(group, !hidden);
      met.add(pair);
      if (hidden) continue;
      if (!isFolded) {
        lines.forEach((line) => line.setAttribute("d", path(all)));
        head.setAttribute("d", tip);
        head.removeAttribute("transform");
        continue;
      }
      let route = all.map(([x, y]) => [x, moved(y)]);
      const end = all.at(-1)[1];
      if (from) route = leaving(route, all, from, moved);
      if (to) route = arriving(route, all, to, moved);
      lines.forEach((line) => line.setAttribute("d", path(route)));
      const [x, y] = route.at(-1);
      head.setAttribute("d", to ? `M${x} ${y + 5.6}l-3.2 -8h6.4Z` : tip);
      head.setAttribute("transform", to ? "" : `translate(0 ${round(moved(end) - end)})`);
    }
  }

  // -- zoom ---------------------------------------------------------------------------------------

  get pixels() {
    return [this.size[2] * this.scale, this.height * this.scale];
  }

  // Zoom so that the point (x, y) of the pane, its middle if not given, stays where it is.
  zoom(scale, x = this.pane.clientWidth / 2, y = this.pane.clientHeight / 2) {
    const pane = this.pane;
    const old = this.scale || 1;
    const at = [(pane.scrollLeft + x) / old, (pane.scrollTop + y) / old];
    this.scale = Math.min(Math.max(scale, SMALLEST), LARGEST);
    this.redraw();
    pane.scrollTo({ left: at[0] * this.scale - x, top: at[1] * this.scale - y, behavior: "auto" });
    this.drawMap();
  }

  fit() {
    const [width, height] = [this.pane.clientWidth, this.limit];
    if (width) this.zoom(Math.min(width / this.size[2], height / this.height, 1));
  }

  // How high the pane may be at most.
  get limit() {
    const { pane } = this;
    const most = parseFloat(getComputedStyle(pane).maxHeight) - pane.offsetHeight + pane.clientHeight;
    return Math.max(most || pane.clientHeight, 100);
  }

  redraw() {
    if (this.scale) this.picture.style.width = `${round(this.size[2] * this.scale)}px`;
    if (this.percent) this.percent.textContent = `${Math.round(this.scale * 100)} %`;
    this.drawMap();
  }

  // The whole picture small, with a frame around what is seen, where not all of it is.
  drawMap() {
    if (!this.map) return;
    const { pane, scale } = this;
    const [width, height] = this.pixels;
    const whole = width <= pane.clientWidth + 1 && height <= pane.clientHeight + 1;
    show(this.map, Boolean(scale) && !whole);
    if (whole || !scale) return;
    const [left, top] = (this.main.getAttribute("transform").match(/-?[\d.]+/g) ?? [0, 0]).map(Number);
    this.map.setAttribute("viewBox", `0 0 ${this.size[2]} ${this.height}`);
    const most = Math.min(120, pane.clientWidth / 5);
    const small = Math.min(most / this.size[2], most / this.height);
    this.map.setAttribute("width", Math.max(this.size[2] * small, 16));
    this.map.setAttribute("height", Math.max(this.height * small, 16));
    const boxes = this.seen.map(({ group, x, y, width: w, height: h }) => shape("rect", {
      x: x + left, y: y + top, width: w, height: h,
      fill: group?.querySelector("path").getAttribute("fill") ?? "none", stroke: "#566071", "stroke-width": 1 / small / 2,
    }));
    this.map.replaceChildren(...boxes, shape("rect", {
      class: "window", x: pane.scrollLeft / scale, y: pane.scrollTop / scale,
      width: pane.clientWidth / scale, height: pane.clientHeight / scale, "stroke-width": 2 / small,
    }));
  }

  // -- focus --------------------------------------------------------------------------------------

  // Show a box large enough to be read, and tell what it is. `group` is an element of the picture.
  focus(group) {
    this.focused?.classList.remove("found");
    this.focused = group;
    group.classList.add("found");
    if (!group.hasAttribute("tabindex")) group.setAttribute("tabindex", -1);
    if (this.scale < READABLE) this.zoom(READABLE);
    group.focus({ preventScroll: true });
    reveal(this.pane, [group]);
    this.drawMap();
    this.ontold(group.querySelector("title")?.textContent ?? group.textContent);
  }

  // What shows each of some boxes: itself, or the folded box that it is in.
  shown(boxes) {
    for (const { box } of this.groups) box.classList.remove("holds");
    return boxes.map((box) => {
      const group = this.boxes.has(box.id) && this.outermost(box.id);
      if (group) group.box.classList.add("holds");
      return group ? group.box : box;
    });
  }

  // The ids of boxes whose name or op begins with a text, then those in which it occurs.
  search(text) {
    const wanted = text.trim().toLowerCase();
    const found = [[], [], []];
    for (const [id, { first }] of this.boxes) {
      const words = [first, ...(this.holds.get(id) ?? [])].map((word) => word.toLowerCase());
      const [name, op] = words[0].split(" = ");
      if (words.includes(wanted) || name === wanted) found[0].push(id);
      else if (words.some((word) => word.startsWith(wanted)) || op?.startsWith(wanted)) found[1].push(id);
      else if (words.some((word) => word.includes(wanted))) found[2].push(id);
    }
    return wanted ? found.flat() : [];
  }

  find() {
    const text = this.field.value;
    const found = this.search(text);
    this.turn = text === this.last ? this.turn + 1 : 0;
    this.last = text;
    if (!text.trim()) return this.hint("Type a name, or an op.");
    if (!found.length) return this.hint(`Nothing here is called “${text.trim()}”.`);
    const id = found[this.turn % found.length];
    for (const group of this.boxes.get(id).parents) if (group.isFolded) this.fold(group, false);
    this.focus(this.boxes.get(id).group);
    this.field.focus(); // Enter goes on to the next
    this.hint(`${(this.turn % found.length) + 1} of ${found.length}`);
  }

  hint(text) {
    this.found.textContent = text;
  }

  makeTools() {
    this.percent = element("button", { type: "button", class: "percent", "aria-label": "actual size", onclick: () => this.zoom(1) });
    this.found = element("span", { class: "hits", "aria-live": "polite" });
    const list = `tensors${Math.random().toString(36).slice(2)}`;
    this.field = element("input", { type: "search", list, "aria-label": "find a tensor", placeholder: "find a tensor", autocomplete: "off" });
    const names = new Set([...this.boxes.values()].map(({ first }) => first.split(" = ")[0]));
    const form = element("form", { class: "find", onsubmit: (event) => { event.preventDefault(); this.find(); } },
      this.field, element("datalist", { id: list }, ...[...names].map((value) => element("option", { value }))), this.found);
    const all = (folded) => () => {
      for (const group of this.groups) group.isFolded = folded;
      this.arrange();
    };
    const simple = (text, label, onclick) => element("button", { type: "button", "aria-label": label, onclick }, text);
    return element("div", { class: "tools" },
      simple("−", "zoom out", () => this.zoom(this.scale / 1.25)), this.percent,
      simple("+", "zoom in", () => this.zoom(this.scale * 1.25)), simple("Fit", "fit", () => this.fit()),
      ...(this.groups.length ? [simple("Fold", "fold all", all(true)), simple("Unfold", "unfold all", all(false))] : []),
      form);
  }

  // -- pointer, touch and keys --------------------------------------------------------------------

  listen() {
    const { pane } = this;
    new ResizeObserver(() => (this.scale ? this.drawMap() : this.begin())).observe(pane);
    pane.addEventListener("scroll", () => this.drawMap());
    pane.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // a wheel alone scrolls
      event.preventDefault();
      this.zoom(this.scale * Math.exp(-event.deltaY / 200), ...this.inPane(event));
    }, { passive: false });
    this.dragged(pane, (dx, dy) => pane.scrollBy({ left: -dx, top: -dy, behavior: "auto" }));
    this.dragged(this.map, null);
    let apart = 0;
    pane.addEventListener("touchstart", (event) => { apart = spread(event); });
    pane.addEventListener("touchmove", (event) => {
      if (event.touches.length !== 2) return;
      event.preventDefault();
      const [a, b] = event.touches;
      const now = spread(event);
      if (apart) this.zoom((this.scale * now) / apart, ...this.inPane({ clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 }));
      apart = now;
    }, { passive: false });
    for (const { group } of this.boxes.values()) {
      group.addEventListener("click", () => { if (!this.hasMoved) this.focus(group); });
    }
  }

  // As wide as the pane, and no larger than it is; beside a player, where a box is always in focus,
  // so that it can be read.
  begin() {
    if (!this.pane.clientWidth) return;
    this.scale = this.isAlone ? Math.min(this.pane.clientWidth / this.size[2], 1) : READABLE;
    this.redraw();
  }

  inPane({ clientX, clientY }) {
    const frame = this.pane.getBoundingClientRect();
    return [clientX - frame.left, clientY - frame.top];
  }

  // A mouse drags the picture, or the frame in the map; a finger scrolls by itself.
  dragged(thing, move) {
    const center = (event) => {
      const frame = this.map.getBoundingClientRect();
      const [w, h] = this.pixels;
      this.pane.scrollTo({
        left: ((event.clientX - frame.left) / frame.width) * w - this.pane.clientWidth / 2,
        top: ((event.clientY - frame.top) / frame.height) * h - this.pane.clientHeight / 2, behavior: "auto",
      });
    };
    thing.addEventListener("pointerdown", (event) => {
      this.hasMoved = false;
      if (event.button !== 0 || (move && event.pointerType !== "mouse")) return;
      if (!move) center(event);
      let [x, y] = [event.clientX, event.clientY];
      const follow = (next) => {
        if (!this.hasMoved && Math.hypot(next.clientX - x, next.clientY - y) < 4) return;
        this.hasMoved = true;
        if (move) move(next.clientX - x, next.clientY - y);
        else center(next);
        [x, y] = [next.clientX, next.clientY];
      };
      const stop = () => {
        window.removeEventListener("pointermove", follow);
        window.removeEventListener("pointerup", stop);
        window.removeEventListener("pointercancel", stop);
      };
      window.addEventListener("pointermove", follow);
      window.addEventListener("pointerup", stop);
      window.addEventListener("pointercancel", stop);
    });
  }

  key(event) {
    const target = event.composedPath()[0];
    if (target.localName === "input") return event.stopPropagation(); // not the notebook's keys
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const keys = {
      "+": () => this.zoom(this.scale * 1.25), "=": () => this.zoom(this.scale * 1.25),
      "-": () => this.zoom(this.scale / 1.25), 0: () => this.fit(), 1: () => this.zoom(1),
    };
    if (this.isAlone && this.pane.contains(target)) {
      for (const [name, way] of [["ArrowUp", -1], ["ArrowLeft", -1], ["ArrowDown", 1], ["ArrowRight", 1]]) {
        keys[name] = () => this.step(name, way);
      }
    }
    if (!(event.key in keys)) return;
    keys[event.key]();
    event.preventDefault();
    event.stopPropagation();
  }

  // From the box in focus to what it was computed from (up) or used for (down), or to the next beside it.
  step(name, way) {
    const boxes = [...this.boxes].filter(([id]) => !this.outermost(id));
    const [id] = boxes.find(([, { group }]) => group === this.focused) ?? [];
    if (!id) return boxes.length && this.focus(boxes[0][1].group);
    const at = this.boxes.get(id);
    let near;
    if (name === "ArrowUp" || name === "ArrowDown") {
      near = this.arrows.map(({ ends }) => (ends[way < 0 ? 1 : 0] === id ? ends[way < 0 ? 0 : 1] : null))
        .filter((other) => other && !this.outermost(other)).map((other) => this.boxes.get(other));
    } else {
      const level = (box) => box.top < at.top + at.height && at.top < box.top + box.height;
      near = boxes.map(([, box]) => box).filter((box) => level(box) && (box.x - at.x) * way > 0);
      near.sort((a, b) => (a.x - b.x) * way);
    }
    if (near.length) this.focus(near[0].group);
    else this.ontold({ ArrowUp: "Nothing is above it.", ArrowDown: "Nothing was computed from it." }[name] ?? "Nothing is beside it.");
  }

  // Set the picture's legend below the pane, where no scrolling hides it.
  detachLegend() {
    const [top, legend] = detachLegend(this.picture);
    this.size[3] = this.fullHeight = top;
    this.arrange();
    return legend;
  }
}

function sides(rect) {
  return ["width", "height"].map((side) => Number(rect.getAttribute(side)));
}

function show(thing, on) {
  thing.style.display = on ? "" : "none";
}

function round(x) {
  return Math.round(x * 10) / 10;
}

function spread({ touches }) {
  return touches.length === 2 ? Math.hypot(touches[0].clientX - touches[1].clientX, touches[0].clientY - touches[1].clientY) : 0;
}

// The points of a path of cubic segments; V stands for a straight one.
function points(d) {
  const found = [];
  for (const [, kind, text] of d.matchAll(/([MCV])([^MCV]*)/g)) {
    const numbers = text.match(/-?[\d.]+/g).map(Number);
    const [x, y] = found.at(-1) ?? [];
    if (kind === "V") found.push([x, y + (numbers[0] - y) * 0.4], [x, numbers[0] - (numbers[0] - y) * 0.4], [x, numbers[0]]);
    else for (let k = 0; k < numbers.length; k += 2) found.push([numbers[k], numbers[k + 1]]);
  }
  return found;
}

function path([first, ...others]) {
  return `M${first.map(round).join(" ")}C${others.map((point) => point.map(round).join(" ")).join(" ")}`;
}

function within(x, { left, boxWidth }) {
  return Math.min(Math.max(x, left + 12), left + boxWidth - 12);
}

function between([x, y], [x2, y2]) {
  const swing = 0.4 * (y2 - y);
  return [[x, y], [x, y + swing], [x2, y2 - swing], [x2, y2]];
}

// Begin a route at the lower side of a folded box: at its first corner below the frame.
function leaving(route, all, group, moved) {
  const bottom = group.y + group.height;
  let k = all.findIndex(([, y], i) => i % 3 === 0 && y >= bottom);
  if (k < 0) k = all.length - 1;
  return [...between([within(all[k][0], group), moved(bottom)], route[k]), ...route.slice(k + 1)];
}

// End a route at the upper side of a folded box, from its last corner above the frame on.
function arriving(route, all, group, moved) {
  const above = route.length - all.length; // `leaving` may have left points out
  const corners = all.map(([, y], i) => (i % 3 === 0 && y <= group.y ? i : -1)).filter((i) => i >= 0 && i + above >= 0);
  const k = Math.max((corners.at(-1) ?? 0) + above, 0);
  const start = route[k];
  return [...route.slice(0, k), ...between(start, [within(start[0], group), moved(group.y) - 5.6])];
}
