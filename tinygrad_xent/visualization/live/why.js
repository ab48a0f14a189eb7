// Why a number is what it is: its own line of numbers, where a NaN began, and the paths of a gradient.
"use strict";

const MOVES = ["getitem", "take", "take_along_axis", "broadcast_to", "expand_dims", "flip", "reshape", "squeeze",
  "swapaxes", "transpose", "concatenate", "stack", "repeat", "roll", "astype", "look_through"];
const PICKS = ["getitem", "take", "take_along_axis"]; // their other inputs are indices
const MOST_SLOPES = 64; // upstream entries up to which each one's slope is computed

class Why {
  constructor(live, page, picture) {
    this.live = live;
    this.page = page;
    this.picture = picture;
    this.tensors = page.program.tensors;
    this.lines = new numbers.Lines(page);
    this.boxOf = new Map(Object.entries(page.boxes).map(([id, [value]]) => [value, id]));
    this.kind = element("select", { "aria-label": "what to explain", onchange: () => this.chosen() },
      ...["value", "gradient", "paths"].map((text) => element("option", { value: text }, text)));
    this.tensor = element("select", { "aria-label": "tensor to explain", onchange: () => this.chosen() },
      ...this.tensors.map(({ name }, k) => element("option", { value: k }, name)));
    this.entry = element("input", {
      type: "text", autocomplete: "off", "aria-label": "entry to explain", onchange: () => this.chosen(),
    });
    this.where = element("label", {}, " at ", this.entry);
    this.word = element("p", { class: "hint", role: "alert" });
    this.answer = element("div", { class: "because", role: "status" });
    this.part = element("details", { class: "edit", ontoggle: () => this.toggled() },
      element("summary", {}, "Why this number?"),
      element("div", { class: "choose" },
        element("label", {}, "Explain the ", this.kind), element("label", {}, " of ", this.tensor),
        this.where),
      this.word, this.answer,
      element("p", { class: "note" }, "Click a number in the picture, or a box for the paths from the result to it."));
    this.tensor.value = this.tensors.length - 1;
    this.shown = null;
  }

  /** Read what was chosen in the fields. */
  chosen() {
    const k = Number(this.tensor.value);
    const { shape } = this.live.values[this.tensors[k].number] ?? { shape: [] };
    const typed = this.entry.value.match(/-?\d+/g) ?? [];
    const place = typed.length ? placeOf(shape, typed.join(",")) : 0;
    this.word.textContent = place < 0 ? `${this.tensors[k].name} has no entry [${typed.join(", ")}]: its shape is (${shape.join(", ")})` : "";
    if (place >= 0) this.show(this.kind.value, k, place);
  }

  /** Explain an entry of the value or gradient of the tensor `k`, or the paths to it. */
  show(kind, k, place = 0) {
    this.part.open = true;
    this.shown = { kind, k, place };
    const { number } = this.tensors[k];
    const shape = this.live.values[number]?.shape ?? [];
    this.kind.value = kind;
    this.tensor.value = k;
    this.entry.value = numbers.indexOf(shape, place).join(", ");
    this.where.hidden = !shape.length || kind === "paths";
    this.word.textContent = "";
    const id = this.boxOf.get(number);
    this.picture.light(new Set(), []);
    this.picture.mark(id, kind, kind === "paths" ? undefined : place);
    const parts = kind === "paths" ? this.paths(k) : kind === "value" ? this.value(k, place) : this.gradient(k, place);
    this.answer.replaceChildren(...parts.filter(Boolean));
  }

  /** Explain the same again, after a change. */
  refresh() {
    if (this.shown) this.show(this.shown.kind, this.shown.k, this.shown.place);
  }

  /** Explain the result at first; closed, forget what was asked. */
  toggled() {
    if (!this.part.open) this.clear();
    else if (!this.shown) this.chosen();
  }

  clear() {
    this.shown = null;
    this.picture.light(new Set(), []);
    this.picture.mark();
    this.answer.replaceChildren();
  }

  // -- values and gradients -----------------------------------------------------------------------

  at(k) {
    return this.live.values[this.tensors[k].number];
  }

  gradientAt(k) {
    const { gradient } = this.tensors[k];
    return gradient === null ? undefined : this.live.values[gradient];
  }

  named(k, place, mark = "") {
    const index = bracketed(this.at(k)?.shape ?? [], place).replaceAll(",", ", ");
    return `${mark}${this.tensors[k].name}${index}`;
  }

  value(k, place) {
    const array = this.at(k);
    if (!array) return [say(`${this.tensors[k].name} cannot follow the change.`)];
    if (!array.data.length) return [say(`${this.tensors[k].name} has no entries.`)];
    const made = this.page.made[k];
    const x = printed(array.data[place], array.dtype);
    if (!made) return [say(`${this.named(k, place)} is given: it is ${x}.`), this.began(k, place)];
    const line = this.lines.forward(this.live.values, k, numbers.indexOf(array.shape, place), true) ?? this.moved(k, place);
    const from = made.inputs.filter((i) => i !== null).map((i) => this.nameOf(i)).join(", ");
    return [say(`${this.named(k, place)} is ${x}: ${made.op} computed it from ${from}.`), lineOf(line), this.began(k, place)];
  }

  nameOf(number) {
    const find = (list) => list.find((each) => each.number === number)?.name;
    return find(this.tensors) ?? find(this.live.leaves) ?? `${printed(this.live.values[number]?.data[0])}`;
  }

  gradient(k, place) {
    const total = this.gradientAt(k);
    const name = this.named(k, place);
    if (total === undefined) return [say(`No gradient comes to ${this.tensors[k].name}.`)];
    if (total === null) return [say(`The gradient of ${name} cannot follow the change.`)];
    if (!total.data.length) return [say(`${this.tensors[k].name} has no entries.`)];
    const x = printed(total.data[place], total.dtype);
    const arrived = this.page.program.events.filter(([, , to]) => to === this.tensors[k].number);
    if (!arrived.length) return [say(`The backward pass starts at ${this.tensors[k].name}, with the gradient ${x}.`)];
    const several = arrived.length > 1;
    const parts = arrived.map((event) => this.live.values[event[4]]?.data[place]);
    const sum = numbers.series(parts.length, "+", (j, first) =>
      numbers.numeral({ x: parts[j], dtype: total.dtype }, first));
    return [
      say(`The gradient of ${name} is ${x}: ${several ? `${arrived.length} contributions that add up` : "one contribution"}.`),
      ...arrived.slice(0, 8).flatMap((event) => this.contribution(event, place)),
      arrived.length > 8 ? say(`And ${arrived.length - 8} more contributions.`) : null,
      several ? lineOf(numbers.math([numbers.name(`∂${this.tensors[k].name}`, numbers.indexOf(total.shape, place)),
        numbers.sign("="), ...sum, numbers.sign("="), ...numbers.numeral({ x: total.data[place], dtype: total.dtype }, true)])) : null,
      this.beganBack(k, place),
    ];
  }

  /** Return a sentence and the line of what one event sends to one entry. */
  contribution(event, place) {
    const sender = this.indexOf(event[0]);
    const sent = this.live.values[event[4]];
    if (!sent) return [say(`What ${this.tensors[sender].name} sends cannot follow the change.`)];
    const late = [this.tensors[sender].gradient, event[3], event[4]];
    const line = this.lines.backward(this.live.values, sender, event, late, numbers.indexOf(sent.shape, place), true)
      ?? this.movedBack(event, place) ?? this.weighed(event, place);
    return [say(`From ${this.tensors[sender].name} (${this.page.made[sender].op}) comes ${printed(sent.data[place], sent.dtype)}.`), lineOf(line)];
  }

  indexOf(number) {
    return this.tensors.findIndex((x) => x.number === number);
  }

  // -- lines for ops without a formula for each entry ---------------------------------------------

  /** Return where each entry of what an op returns comes from, as places in its input `i`. */
  places(k, i) {
    const entry = this.page.program.entries[this.tensors[k].number];
    if (!MOVES.includes(entry.op) || entry.op !== this.page.made[k].op) return null;
    const inputs = entry.in.map((number, j) => {
      const x = this.live.values[number];
      if (PICKS.includes(entry.op) && j !== i) return x;
      return { ...x, dtype: "float64", data: Float64Array.from(x.data, (_, place) => (j === i ? place : -1)) };
    });
    return functions.ops[entry.op](resolved(entry.with ?? {}, this.live.values), ...inputs).data;
  }

  moved(k, place) {
    const { inputs } = this.page.made[k];
    for (let i = 0; i < inputs.length; i++) {
      const source = this.places(k, i)?.[place] ?? -1;
      if (source < 0 || (i > 0 && PICKS.includes(this.page.made[k].op))) continue;
      const x = this.live.values[inputs[i]];
      const to = numbers.name(this.tensors[k].name, numbers.indexOf(this.at(k).shape, place));
      const from = numbers.name(this.nameOf(inputs[i]), numbers.indexOf(x.shape, source));
      return numbers.math([to, numbers.sign("="), from, numbers.sign("="), ...numbers.numeral({ x: x.data[source], dtype: x.dtype }, true)]);
    }
    return null;
  }

  movedBack([tensor, i, to], place) {
    const k = this.indexOf(tensor);
    const gradient = this.gradientAt(k);
    const places = this.places(k, i);
    if (!places || !gradient) return null;
    const went = [...places.keys()].filter((j) => places[j] === place);
    return this.sumLine(to, place, went.map((j) => [gradient, j, null]), k);
  }

  /** Return the sum of the upstream gradient's entries, each times its slope. */
  weighed(event, place) {
    const k = this.indexOf(event[0]);
    const gradient = this.gradientAt(k);
    if (!gradient || gradient.data.length > MOST_SLOPES || !gradient.dtype.startsWith("float")) return null;
    const slopes = [...gradient.data.keys()].map((j) => {
      const unit = Float64Array.from(gradient.data, (_, each) => +(each === j));
      return this.live.through(event, { ...gradient, data: unit })?.data[place];
    });
    const terms = slopes.flatMap((slope, j) => (slope === 0 ? [] : [[gradient, j, slope]]));
    return this.sumLine(event[2], place, terms, k);
  }

  /** Return a line for a gradient: the sum of terms, each an entry of the gradient at `k`, perhaps times a slope. */
  sumLine(to, place, terms, k) {
    const { dtype, shape } = this.live.values[to];
    const [name, index] = [this.nameOf(to), numbers.indexOf(shape, place)];
    const one = ([gradient, j, slope], first) => {
      const x = numbers.numeral({ x: gradient.data[j], dtype }, first);
      return slope === null ? x : [...x, numbers.sign("⋅"), ...numbers.numeral({ x: slope, dtype }, false)];
    };
    const symbol = ([gradient, j]) => numbers.name(`∂${this.tensors[k].name}`, numbers.indexOf(gradient.shape, j));
    const sum = terms.reduce((total, [gradient, j, slope]) => total + gradient.data[j] * (slope ?? 1), 0);
    const answer = numbers.numeral({ x: sum, dtype }, true);
    const written = terms.length ? numbers.series(terms.length, "+", (j, first) => one(terms[j], first)) : [];
    const symbols = terms.length && terms[0][2] === null
      ? [numbers.sign("="), ...numbers.series(terms.length, "+", (j) => [symbol(terms[j])])] : [];
    const plain = terms.length === 1 && terms[0][2] === null;
    return numbers.math([numbers.name(`∂${name}`, index), ...symbols,
      ...(written.length && !plain ? [numbers.sign("="), ...written] : []), numbers.sign("="), ...answer]);
  }

  // -- where a bad number began -------------------------------------------------------------------

  /** Return the sentence that says where a NaN or infinity of the forward pass began, or null. */
  began(k, place) {
    const x = this.at(k).data[place];
    if (Number.isFinite(x)) return null;
    const [from, index] = this.originOf(k, place);
    if (from === k && index === place) return this.page.made[k] ? say("It begins here: all that goes in is finite.", "bad") : null;
    return this.blame(from, index);
  }

  blame(k, place) {
    const made = this.page.made[k];
    const value = printed(this.at(k).data[place], this.at(k).dtype);
    const line = made && (this.lines.forward(this.live.values, k, numbers.indexOf(this.at(k).shape, place), true) ?? this.moved(k, place));
    return element("div", {},
      say(`It began at ${this.named(k, place)}, ${made ? `where ${made.op} made ${value}` : `which is given as ${value}`}.`, "bad"),
      ...(line ? [lineOf(line)] : []));
  }

  originOf(k, place) {
    const made = this.page.made[k];
    for (const number of made?.inputs ?? []) {
      const next = this.indexOf(number);
      const x = this.live.values[number];
      if (next < 0 || !x || x.data.every(Number.isFinite)) continue;
      return this.originOf(next, badPlace(x, this.at(k), place));
    }
    return [k, place];
  }

  /** Return the sentence that says where a NaN or infinity of the backward pass began, or null. */
  beganBack(k, place) {
    if (Number.isFinite(this.gradientAt(k).data[place])) return null;
    const isBad = (number) => this.live.values[number] && !this.live.values[number].data.every(Number.isFinite);
    const event = this.page.program.events.find(([, , to, , sent]) => to === this.tensors[k].number && isBad(sent));
    if (!event) return null;
    const sender = this.indexOf(event[0]);
    const made = this.page.made[sender];
    const bad = [event[0], ...made.inputs].map((number) => this.indexOf(number)).find((j) => j >= 0 && isBad(this.tensors[j].number));
    if (bad !== undefined) return this.blame(...this.originOf(bad, badPlace(this.at(bad), this.at(k), place)));
    const gradient = this.gradientAt(sender);
    if (gradient && !gradient.data.every(Number.isFinite)) return this.beganBack(sender, badPlace(gradient, gradient, place));
    return say(`It begins in the rule of ${made.op}, at ${this.tensors[sender].name}: all that goes into it is finite.`, "bad");
  }

  // -- paths ------------------------------------------------------------------------------------

  paths(k) {
    const { number, name, gradient } = this.tensors[k];
    if (gradient === null) return [say(`No gradient comes to ${name}.`)];
    if (number === this.page.output) return [say(`${name} is the result: the backward pass starts here.`)];
    const { count, paths } = pathsTo(this.live, this.page, number);
    const events = paths.flatMap((path) => path.events);
    const ids = events.flatMap(([from, , to]) => [this.boxOf.get(from), this.boxOf.get(to)]);
    this.picture.light(new Set(ids), events.map(([from, , to]) => [this.boxOf.get(to), this.boxOf.get(from)]));
    const total = this.live.values[gradient];
    if (!total || !paths.length) return [say(`The gradient of ${name} cannot follow the change.`)];
    const told = paths.slice(0, MOST_TOLD);
    const rest = count - told.length;
    const sum = count === 1 ? "This is" : paths.every(({ slopes }) => slopes) && !rest
      ? `Together ${plus(told.map(({ brought }) => brought.at(-1).data[0]))} =` : "Together they bring";
    return [
      say(`${count === 1 ? "One path leads" : `${count.toLocaleString("en")} paths lead`} from ${this.nameOf(this.page.output)} to ${name}.`),
      element("ul", {}, ...told.map((path) => element("li", {}, minus(this.told(path))))),
      rest > 0 ? say(`And ${rest.toLocaleString("en")} more.`) : null,
      say(`${sum} ${inWords(total)}${total.data.length > 1 ? `, norm ${printed(norm(total))}` : ""}: the gradient of ${name}.`),
    ];
  }

  /** Return a path in words, and the product along it; of arrays the norm after each step. */
  told({ events, brought, slopes }) {
    const stations = [this.page.output, ...events.map(([, , to]) => to)].map((number) => this.nameOf(number)).join(" → ");
    if (slopes) return `${stations}: ${times([brought[0].data[0], ...slopes])} = ${printed(brought.at(-1).data[0])}`;
    const norms = brought.map((array) => printed(norm(array))).join(" → ");
    return `${stations}: brings ${inWords(brought.at(-1))}; norms ${norms}`;
  }
}

const say = (text, kind = "") => element("p", { class: kind }, minus(text));
const signed = (x) => (printed(x + 0).startsWith("-") ? `(${printed(x)})` : printed(x));
const times = ([first, ...others]) => [printed(first), ...others.map(signed)].join(" × ");
const plus = ([first, ...others]) => [printed(first), ...others.map(signed)].join(" + ");

/** Show a line of MathML; it is read aloud as text. */
function lineOf(math) {
  if (!math) return null;
  const text = numbers.spoken(math);
  return element("div", { class: "numbers" },
    element("span", { "aria-hidden": "true" }, ...broken(math)), element("span", { class: "hidden" }, text));
}

/** Return where an array that went into another has a bad number: at the same place, or the first. */
function badPlace(x, into, place) {
  const same = functions.same(x.shape, into.shape) && !Number.isFinite(x.data[place]);
  return same ? place : x.data.findIndex((each) => !Number.isFinite(each));
}
