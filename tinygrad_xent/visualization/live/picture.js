// The picture of a graph whose numbers follow a change, and in which one can be pointed at.
"use strict";

class LivePicture {
  /**
   * `page` is what live/page.py writes, or null; `arrows` has the ids of the boxes that each arrow
   * leads from and to.
   */
  constructor(picture, page, heat, arrows) {
    this.picture = picture;
    this.page = page;
    this.heat = heat;
    this.boxes = new Map();
    for (const box of picture.querySelectorAll('g[id^="n"], g[id^="c"], g[id^="f"]')) this.prepare(box);
    this.tables = [...this.boxes].flatMap(([id, box]) => this.tablesOf(id, box));
    this.arrows = arrows.map((ends, k) => ({ ends, group: picture.querySelector(`#e${k}`) }));
    if (page) this.readArrows();
  }

  // Add to a box the outline that shows its state.
  prepare(box) {
    const [width, height] = ["width", "height"].map((side) => Number(box.querySelector("rect").getAttribute(side)));
    box.append(shape("rect", { class: "outline", x: -4, y: -4, width: width + 8, height: height + 8, rx: 8 }));
    const leaves = this.page?.program.leaves ?? [];
    const canChange = leaves.some(({ number }) => number === this.page.boxes[box.id]?.[0]);
    if (canChange) box.classList.add("changeable");
    this.boxes.set(box.id, box);
  }

  // Find for each arrow what is sent back along it, and the note that says so.
  readArrows() {
    const seen = new Map();
    for (const arrow of this.arrows) {
      const [to, from] = arrow.ends.map((id) => this.page.boxes[id]?.[0]);
      const events = this.page.program.events.filter((event) => event[0] === from && event[2] === to);
      const nth = seen.get(arrow.ends.join()) ?? 0;
      seen.set(arrow.ends.join(), nth + 1);
      arrow.sent = events[nth]?.[4] ?? null;
    }
    const notes = [...this.picture.querySelectorAll("text")].filter((text) => /^[↑←] /.test(text.textContent) && !text.closest("#legend"));
    const told = this.arrows.filter(({ group }) => group.querySelector("title").textContent.includes("gradient sent back"));
    told.forEach((arrow, k) => { arrow.note = notes.length === told.length ? notes[k] : null; });
  }

  /** Return the value and the gradient in a box: { id, kind, entry, painted }. */
  tablesOf(id, box) {
    const width = Number(box.querySelector("rect").getAttribute("width"));
    const groups = ["value", "gradient"].map((kind) => box.querySelector(`.body .${kind}`));
    const starts = groups.map((group) => Number(group?.querySelector("text").getAttribute("x")));
    const beside = groups[1] && starts[1] > starts[0];
    return groups.flatMap((group, k) => (!group ? [] : {
      id, kind: ["value", "gradient"][k], entry: this.page?.boxes[id]?.[k] ?? null,
      painted: new Painted(group, (k === 0 && beside ? starts[1] : width) - starts[k] - 8),
    }));
  }

  /**
   * Paint the numbers that follow a change; null paints those that were recorded. `totals` has
   * other entries to take for gradients, by the box.
   */
  follow(live, totals = new Map()) {
    for (const { id, kind, entry, painted } of this.tables) {
      const number = kind === "gradient" ? totals.get(id) ?? entry : entry;
      if (!live) painted.restore();
      else painted.paint(number === null ? null : live.values[number], this.heat);
    }
    for (const { group, sent, note } of this.arrows) {
      const words = live && (sent === null || sent === undefined ? "changed" : inWords(live.values[sent]));
      const title = group.querySelector("title");
      this.write(title, live && ((text) => text.replace(/^(gradient sent back: ).*$/m, `$1${words}`)));
      if (note) this.write(note, live && ((first) => `${first[0]} ${minus(words)}`));
    }
    for (const desc of this.picture.querySelectorAll("desc")) {
      this.write(desc, live && (() => "Numbers were changed; the fields and sentences beside the picture have the new ones."));
    }
    this.warnings ??= [...this.boxes].flatMap(([id, box]) =>
      [...box.querySelectorAll("text")].filter((text) => text.textContent.startsWith("✗ ")).map((text) => [id, text]));
    const isBad = (entry) => live.values[entry]?.data.some((x) => !Number.isFinite(x));
    for (const [id, warning] of this.warnings) {
      const isOver = live && !this.page.boxes[id]?.some(isBad);
      this.write(warning, isOver && (() => ""));
      this.write(this.boxes.get(id).querySelector("title"), isOver && ((text) => text.replace(`\n${warning.full.slice(2)}`, "")));
    }
    this.lines ??= this.page.lines.map(([entry, id, word]) => ({
      entry, id, word,
      line: [...this.boxes.get(id).querySelectorAll("text")].find((text) => text.textContent.startsWith(`${word} = `)),
    }));
    for (const { entry, id, word, line } of this.lines) {
      if (!line) continue;
      const now = live && telling(live.values[entry].data[0], live.values[entry].dtype);
      this.write(line, live && (() => `${word} = ${now}`));
      const title = this.boxes.get(id).querySelector("text tspan").parentNode.lastChild;
      const old = line.full.slice(word.length + 3).replace(/[.+]/g, "\\$&");
      this.write(title, live && ((text) => text.replace(new RegExp(`(^|\\s)${old}(?=\\s|$)`), `$1${now}`)));
    }
  }

  /** Write in a mark what a function makes of its first text; without a function that text. */
  write(mark, change) {
    mark.full ??= mark.textContent;
    const text = change ? change(mark.full) : mark.full;
    if (mark.textContent !== text) mark.textContent = text;
  }

  /** Make the marks of all numbers while nothing else is to do: the first change is then quick. */
  warm() {
    const waiting = this.tables.filter(({ entry }) => entry !== null);
    const next = (deadline) => {
      while (waiting.length && deadline.timeRemaining() > 1) waiting.pop().painted.make();
      if (waiting.length) requestIdleCallback(next);
    };
    window.requestIdleCallback?.(next);
  }

  // -- pointing ---------------------------------------------------------------------------------

  /** Return the number under a pointer: { id, kind, entry, place }, or null. */
  pick(event) {
    const id = event.target.closest?.("g[id]")?.id;
    for (const table of this.tables) {
      if (table.id !== id || table.entry === null) continue;
      const place = table.painted.placeAt(event.clientX, event.clientY);
      if (place !== null) return { ...table, place };
    }
    return null;
  }

  /** Outline one number; none without a place. */
  mark(id, kind, place) {
    this.marked?.remove();
    const table = this.tables.find((each) => each.id === id && each.kind === kind);
    const frame = place === undefined ? null : table?.painted.frameOf(place);
    this.marked = frame && shape("rect", { class: "pointed", ...frame });
    if (frame) table.painted.group.parentNode.append(this.marked);
  }

  /** Light up boxes, and the arrows between pairs of them: [from, to]. */
  light(ids, pairs) {
    for (const [id, box] of this.boxes) box.classList.toggle("lit", ids.has(id));
    for (const { ends, group } of this.arrows) {
      group.classList.toggle("lit", pairs.some(([from, to]) => from === ends[0] && to === ends[1]));
    }
  }
}

/** The value or the gradient in a box: it can be painted with other numbers, in the same cells. */
class Painted {
  constructor(group, room) {
    this.group = group;
    this.room = room;
    this.first = [...group.childNodes];
    const texts = [...group.querySelectorAll("text")];
    this.caption = texts[0];
    this.single = texts.length === 2 && texts[1].getAttribute("font-size") === "14" ? texts[1] : null;
    this.isPrinted = texts.some((text) => text.getAttribute("font-size") === "11");
    const paths = [...group.querySelectorAll('path[stroke="#d3d8df"]')];
    this.cells = paths.flatMap((path) =>
      [...path.getAttribute("d").matchAll(/M([-\d.]+) ([-\d.]+)h([-\d.]+)v([-\d.]+)/g)]
        .map((match) => match.slice(1).map(Number)));
    this.cells.sort((a, b) => a[1] - b[1] || a[0] - b[0]);
  }

  /** Return the place of the entry at a point of the window, or null. */
  placeAt(x, y) {
    const to = this.group.getScreenCTM()?.inverse();
    if (!to) return null;
    const at = new DOMPoint(x, y).matrixTransform(to);
    const found = this.frames.findIndex(([left, top, width, height]) =>
      at.x >= left && at.x < left + width && at.y >= top && at.y < top + height);
    return found < 0 ? null : found;
  }

  /** Where each entry stands: left, top, width, height. */
  get frames() {
    if (!this.single) return this.cells;
    const [x, y] = ["x", "y"].map((side) => Number(this.single.getAttribute(side)));
    return [[x - 4, y - 16, Math.max(44, 9 * this.single.textContent.length + 8), 22]];
  }

  frameOf(place) {
    if (!this.frames[place]) return null;
    const [x, y, width, height] = this.frames[place];
    return { x, y, width, height };
  }

  restore() {
    this.shown = this.first;
    this.group.replaceChildren(...this.first);
  }

  paint(array, heat) {
    if (this.shown === array) return;
    this.shown = array;
    const parts = [this.caption];
    if (!array) parts.push(this.line("?"));
    else if (this.single || array.data.length === 1) parts.push(this.line(minus(printed(array.data[0], array.dtype))));
    else if (this.cells.length === array.data.length) parts.push(...this.painted(array, heat));
    else parts.push(this.line(minus(inWords(array))));
    const same = parts.length === this.group.childNodes.length && parts.every((x, k) => x === this.group.childNodes[k]);
    if (!same) this.group.replaceChildren(...parts);
  }

  line(text) {
    const like = this.single ?? this.caption;
    const y = Number(like.getAttribute("y")) + (this.single ? 0 : 16);
    return fitted(shape("text", { x: like.getAttribute("x"), y, "font-size": this.single ? 14 : 11, fill: "#1b2430" }), text, this.room);
  }

  /** Make a mark for each entry. */
  make() {
    this.marks ??= this.cells.map(([x, y, width, height]) => {
      const cell = { d: `M${x} ${y}h${width}v${height}h${-width}z`, stroke: "#d3d8df", "stroke-width": 0.6 };
      const at = { x: x + width / 2, y: y + height / 2 + 4, "font-size": 11, "text-anchor": "middle" };
      return [shape("path", cell), shape("text", at), width - 4];
    });
  }

  // The marks are made once: the browser then has only colours and texts to change.
  painted({ data, dtype }, heat) {
    const top = data.reduce((a, x) => (Number.isFinite(x) ? Math.max(a, Math.abs(x)) : a), 0);
    this.make();
    this.marks.forEach(([cell, mark, room], k) => {
      const [fill, ink] = heat[level(data[k], top, (heat.length - 1) / 2)] ?? ["#ffffff", "#000000"];
      const shown = withSign(printed(data[k], dtype));
      const text = this.isPrinted ? shown : Number.isFinite(data[k]) ? "" : shown[0];
      if (cell.getAttribute("fill") !== fill) cell.setAttribute("fill", fill);
      if (mark.textContent === text) return mark.setAttribute("fill", ink);
      mark.setAttribute("fill", ink);
      fitted(mark, text, room);
    });
    return this.marks.flatMap(([cell, mark]) => (mark.textContent ? [cell, mark] : [cell]));
  }
}

/** Set a text, narrower if there is no room for it. */
function fitted(mark, text, room) {
  mark.textContent = text;
  mark.removeAttribute("textLength");
  if (text.length * Number(mark.getAttribute("font-size")) * 0.64 > room) {
    mark.setAttribute("textLength", room);
    mark.setAttribute("lengthAdjust", "spacingAndGlyphs");
  }
  return mark;
}
