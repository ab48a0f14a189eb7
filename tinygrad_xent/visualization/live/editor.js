// Fields to change numbers in: typed, dragged, nudged, and labels chosen by their class.
"use strict";

const NUDGE = 0.01;
const MOST_CLASSES = 12; // that are offered to be clicked

class Editor {
  /** `changed()` is called after every change, `pointed(number, place)` when a field is chosen. */
  constructor(live, page, changed, pointed) {
    this.live = live;
    this.output = page.program.tensors.find(({ number }) => number === page.output);
    this.gradients = new Map(page.program.tensors.map((x) => [x.number, x.gradient]));
    this.changed = changed;
    this.pointed = pointed;
    this.selected = { number: live.leaves[0].number, place: 0 };
    this.choice = element("select", { "aria-label": "tensor to change", onchange: () => this.show() },
      ...live.leaves.map(({ name, constant }, k) =>
        element("option", { value: k }, constant ? `${name} (constant)` : name)));
    this.entry = element("input", {
      type: "text", autocomplete: "off", "aria-label": "entry to change", onchange: () => this.choosePlace(),
    });
    this.where = element("label", {}, "Entry ", this.entry);
    this.fields = element("div", { class: "fields" });
    this.word = element("p", { class: "hint", role: "alert" });
    this.told = element("p", { class: "outcome", role: "status" });
    this.promise = element("span", {});
    this.nudge = element("button", { type: "button", onclick: () => this.step(NUDGE) }, `Nudge by ${NUDGE}`);
    this.undo = element("button", { type: "button", onclick: () => this.back(() => live.undo()) }, "Undo");
    this.reset = element("button", { type: "button", onclick: () => this.back(() => live.reset()) }, "Reset");
    this.part = element("details", { class: "edit" },
      element("summary", {}, "Change a number"),
      element("div", { class: "choose" }, element("label", {}, "Tensor ", this.choice), this.where, this.undo, this.reset),
      this.fields, this.word, this.told,
      element("p", { class: "nudge" }, this.nudge, " ", this.promise),
      element("p", { class: "note" }, "Type a number and press Enter, drag it left or right, here or in the picture, ",
        "or press ↑ and ↓: by 0.1, with Shift by 1, with Alt by 0.01. The text at the end stays as it was recorded."));
    this.show();
  }

  say(text) {
    this.word.textContent = text;
  }

  get leaf() {
    return this.live.leaves[this.choice.value];
  }

  /** Show the fields of the chosen tensor. */
  show() {
    const { number } = this.leaf;
    if (this.selected.number !== number) this.selected = { number, place: 0 };
    const array = this.live.values[number];
    const [height, width] = tableShape(array.shape);
    const classes = classesOf(this.live, this.leaf);
    this.inputs = new Map();
    this.pressed = [];
    const cell = (i, j) => (i === null || j === null || !array.data.length ? ["…"]
      : [this.field(i * width + j), classes?.kind === "number" ? this.classes(classes.count, i * width + j) : null]);
    this.fields.replaceChildren(element("table", {}, element("tbody", {},
      ...visible(height, 8, 4, 2).map((i) => element("tr", {},
        ...visible(width, 10, 4, 3).map((j) => element("td", {}, ...cell(i, j))),
        classes?.kind === "row" && i !== null ? element("td", {}, this.classes(classes.count, i * width, true)) : null)))));
    const { place } = this.selected;
    this.where.hidden = height <= 8 && width <= 10; // all entries have fields
    this.entry.value = bracketed(array.shape, place).slice(1, -1).replaceAll(",", ", ");
    if (array.data.length && !this.inputs.has(place)) {
      this.fields.append(element("p", {}, `${this.nameOf(number, place)} `, this.field(place)));
    }
    this.refresh();
  }

  /** Choose a number, such as one that was clicked in the picture. */
  choose(number, place) {
    const k = this.live.leaves.findIndex((leaf) => leaf.number === number);
    this.part.open = true;
    this.selected = { number, place };
    if (Number(this.choice.value) === k && this.inputs.has(place)) return this.refresh();
    this.choice.value = k;
    this.show();
  }

  /** Choose the entry whose index was typed. */
  choosePlace() {
    const { number, name } = this.leaf;
    const { shape } = this.live.values[number];
    const place = placeOf(shape, (this.entry.value.match(/\d+/g) ?? []).join(","));
    this.say(place < 0 ? `${name} has no entry [${this.entry.value}]: its shape is (${shape.join(", ")})` : "");
    if (place >= 0) this.choose(number, place);
  }

  /** Return the name of a number, such as W1[0, 2]. */
  nameOf(number, place) {
    const { name } = this.live.leaves.find((leaf) => leaf.number === number);
    return name + bracketed(this.live.values[number].shape, place).replaceAll(",", ", ");
  }

  field(place) {
    const { number } = this.leaf;
    const input = element("input", {
      type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false",
      "aria-label": `value of ${this.nameOf(number, place)}`,
      onfocus: () => {
        this.selected = { number, place };
        this.refresh();
        this.pointed(number, place);
      },
      onchange: () => this.apply(number, [[place, input.value]]),
      onpointerdown: (event) => this.drag(event, input, number, place),
      onkeydown: (event) => {
        const sign = { ArrowUp: 1, ArrowDown: -1 }[event.key];
        if (!sign) return;
        event.preventDefault();
        const whole = !this.live.values[number].dtype.startsWith("float");
        this.selected = { number, place };
        this.step(sign * (whole || event.shiftKey ? 1 : event.altKey ? 0.01 : 0.1));
      },
    });
    this.inputs.set(place, input);
    return input;
  }

  /** Return buttons that set a label, or a row of labels of which one is 1. */
  classes(count, first, isRow = false) {
    const { number } = this.leaf;
    const what = isRow ? `row ${this.nameOf(number, first)}` : this.nameOf(number, first);
    const buttons = [...Array(count).keys()].map((k) => {
      const changes = isRow ? [...Array(count).keys()].map((j) => [first + j, String(+(j === k))]) : [[first, String(k)]];
      const button = element("button", {
        type: "button", "aria-label": `class ${k} for ${what}`, onclick: () => this.apply(number, changes),
      }, String(k));
      this.pressed.push(() => {
        const { data } = this.live.values[number];
        button.setAttribute("aria-pressed", isRow ? data[first + k] === 1 : data[first] === k);
      });
      return button;
    });
    return element("span", { class: "classes", role: "group", "aria-label": `class of ${what}` }, ...buttons);
  }

  // -- the address ------------------------------------------------------------------------------

  /** Change what the address says, now and whenever it is edited. */
  followAddress() {
    const open = () => {
      const words = this.live.load(location.hash);
      this.part.open = true;
      this.show();
      this.changed();
      this.say(words.join("; "));
    };
    window.addEventListener("hashchange", () => {
      this.live.reset();
      open();
    });
    if (location.hash) open();
  }

  writeAddress() {
    const here = location.pathname + location.search;
    history.replaceState(null, "", this.live.address ? `#${this.live.address}` : here);
  }

  // -- changing ---------------------------------------------------------------------------------

  step(by) {
    const { number, place } = this.selected;
    const x = this.live.values[number].data[place];
    this.apply(number, [[place, written(Number((x + by).toPrecision(12)))]]);
  }

  /** Change numbers, and tell what came of it; `again` continues the last change. */
  apply(number, changes, again = false) {
    const before = { loss: this.loss(this.live.values), x: this.live.values[number].data.slice(), slope: this.slopes(number) };
    const { word } = this.live.editAll(number, changes, again);
    this.say(word ?? "");
    this.wrong = word ? changes[0][0] : null;
    const input = this.inputs.get(this.wrong);
    if (word && input) input.value = changes[0][1];
    if (word) return this.refresh();
    this.tell(before, number);
    this.refresh();
    this.changed();
  }

  back(act) {
    act();
    this.say("");
    this.wrong = null;
    this.told.replaceChildren();
    this.show();
    this.changed();
  }

  /** Change a number by how far a pointer is drawn aside; a plain click only chooses it. */
  drag(event, target, number, place, clicked = () => {}) {
    const { dtype, data } = this.live.values[number];
    const start = data[place];
    let [moved, wanted, again] = [false, null, false];
    const paint = () => {
      if (wanted === null) return;
      this.apply(number, [[place, wanted]], again);
      again = true;
      wanted = null;
    };
    const move = (moving) => {
      const far = moving.clientX - event.clientX;
      if (!moved && Math.abs(far) < 4) return;
      if (!moved) this.choose(number, place);
      moved = true;
      moving.preventDefault();
      if (wanted === null) requestAnimationFrame(paint); // one change a frame, however fast it moves
      wanted = dragged(start, far * (moving.shiftKey ? 10 : 1), dtype);
    };
    const end = () => {
      target.removeEventListener("pointermove", move);
      paint();
      if (!moved) clicked();
    };
    target.setPointerCapture(event.pointerId);
    target.addEventListener("pointermove", move);
    target.addEventListener("pointerup", end, { once: true });
    target.addEventListener("pointercancel", end, { once: true });
  }

  // -- telling ----------------------------------------------------------------------------------

  /** Write everything that follows from the numbers as they are now. */
  refresh() {
    const { number, place } = this.selected;
    const { data, dtype } = this.live.values[this.leaf.number];
    for (const [k, input] of this.inputs) {
      input.setAttribute("aria-invalid", k === this.wrong);
      if (k !== this.wrong) input.value = written(data[k]);
      input.classList.toggle("chosen", k === place);
    }
    for (const press of this.pressed) press();
    this.undo.setAttribute("aria-disabled", this.live.past.length === 0);
    this.reset.setAttribute("aria-disabled", this.live.values === this.live.first);
    const isReal = dtype.startsWith("float") && data.length > 0;
    this.nudge.hidden = !isReal;
    this.promise.textContent = isReal ? this.foretold(number, place) : "";
  }

  /** Return the sum of the entries of the result: the gradients are its. */
  loss(values) {
    const result = values[this.output.number];
    return result && result.data.reduce((a, b) => a + b, 0);
  }

  slopes(number) {
    const gradient = this.gradients.get(number);
    return gradient === undefined || gradient === null ? null : this.live.values[gradient]?.data ?? null;
  }

  get lossName() {
    const { name, number } = this.output;
    return this.live.first[number]?.data.length === 1 ? name : `the sum of ${name}`;
  }

  /** Return what a nudge would do, beside what the gradient promises of it. */
  foretold(number, place) {
    const { data } = this.live.values[number];
    const next = written(Number((data[place] + NUDGE).toPrecision(12)));
    let after;
    try {
      after = this.loss(this.live.tried(number, [[place, next]]));
    } catch (error) {
      if (!(error instanceof functions.Refused)) throw error;
      return error.message;
    }
    const now = this.loss(this.live.values);
    if (after === null || now === null) return "";
    const slope = this.slopes(number)?.[place];
    const promise = slope === undefined ? "" : `; gradient × ${NUDGE} = ${printed(slope * NUDGE)}`;
    return minus(`${this.nameOf(number, place)} + ${NUDGE}: ${this.lossName} changes by ${printed(after - now)}${promise}.`);
  }

  /** Tell what came of a change, beside what the gradient promised. */
  tell(before, number) {
    const now = this.loss(this.live.values);
    if (now === null || before.loss === null) {
      return this.told.replaceChildren("The result cannot follow: it is computed by an op whose function is not known here.");
    }
    const { data } = this.live.values[number];
    const promised = before.slope?.reduce((sum, slope, k) => (data[k] === before.x[k] ? sum : sum + slope * (data[k] - before.x[k])), 0);
    const promise = promised === undefined ? "" : `; gradient × change: ${printed(promised)}`;
    const change = `Change of ${this.lossName}: ${printed(now - before.loss)}`;
    this.told.replaceChildren(minus(`${this.lossName} is ${printed(now)}. ${change}${promise}.`));
  }
}

/** Return the number that a pointer `far` pixels away from the start asks for, as text. */
function dragged(start, far, dtype) {
  if (dtype === "bool") return String(+(far > 0));
  if (!dtype.startsWith("float")) return String(start + Math.round(far / 12));
  const size = Math.abs(start);
  const scale = Number.isFinite(size) && size > 0 ? 10 ** Math.max(Math.floor(Math.log10(size)), -6) : 1;
  const unit = 0.05 * scale;
  return written(Number(((Number.isFinite(start) ? start : 0) + Math.round(far) * unit).toPrecision(6)));
}

/**
 * Return { kind, count } where the numbers of a leaf are labels: of kind "number" if each entry is
 * the number of a class or place, of kind "row" if in each row one is 1 and the others are 0.
 */
function classesOf(live, { number, constant }) {
  const { shape, data, dtype } = live.values[number];
  const lengthAt = (i, axis) => {
    const of = live.values[i]?.shape ?? [];
    return axis === null || axis === undefined ? of.reduce((a, b) => a * b, 1) : of.at(axis);
  };
  const counts = live.program.entries.map(({ op, in: inputs, with: params }) => {
    if (!inputs) return undefined;
    const picks = ["sparse_softmax_cross_entropy", "softmax_minus_one_hot"].includes(op) && inputs[0] === number;
    if (picks) return lengthAt(inputs[1], params?.axis ?? -1);
    if (["take", "take_along_axis"].includes(op) && inputs[1] === number) return lengthAt(inputs[0], params?.axis);
    const part = op === "getitem" ? params.index.findIndex((x) => x?.value === number) : -1;
    return part < 0 || params.index.some((x) => x === null || x === "...") ? undefined : lengthAt(inputs[0], part);
  }).filter(Boolean);
  if (counts.length && !dtype.startsWith("float") && dtype !== "bool") {
    return counts[0] <= MOST_CLASSES ? { kind: "number", count: counts[0] } : null;
  }
  const width = shape.at(-1) ?? 0;
  const isLabels = constant || live.program.entries.some(({ op, in: inputs }) =>
    (op === "softmax_cross_entropy" && inputs[0] === number) || (op === "crossentropy" && inputs[1] === number));
  const rows = data.length / (width || 1);
  const isOneHot = data.every((x) => x === 0 || x === 1)
    && [...Array(rows).keys()].every((r) => data.subarray(r * width, (r + 1) * width).filter((x) => x === 1).length === 1);
  return isLabels && isOneHot && width > 1 && width <= MOST_CLASSES ? { kind: "row", count: width } : null;
}
