// A program that runs again when a number changes. It needs functions.js; see program.py.
"use strict";

class Live {
  /** `program` is what program.py writes; its entries are computed once here. */
  constructor(program) {
    this.program = program;
    this.leaves = program.leaves;
    this.users = program.entries.map(() => []);
    program.entries.forEach((entry, k) => inputsOf(entry).forEach((i) => this.users[i].push(k)));
    this.values = [];
    program.entries.forEach((entry, k) => (this.values[k] = this.computed(entry, this.values, true)));
    this.first = this.values;
    this.past = [];
  }

  /**
   * Set one entry of a leaf or constant to what was typed. Return { word }: null if it was done,
   * or else what is wrong with it, and then nothing has changed. `values` has all arrays; one that
   * cannot follow is null from then on.
   */
  edit(number, place, text) {
    return this.editAll(number, [[place, text]]);
  }

  /** Set several entries of one array; as part of the last change if `again`, such as a drag. */
  editAll(number, changes, again = false) {
    try {
      const values = this.tried(number, changes);
      if (values === this.values) return { word: null };
      if (!again) this.remember();
      this.values = values;
      return { word: null };
    } catch (error) {
      if (!(error instanceof functions.Refused)) throw error;
      return { word: error.message };
    }
  }

  /** Return the values that would follow from a change, or refuse it. */
  tried(number, changes) {
    const old = this.values[number];
    const data = old.data.slice();
    for (const [place, text] of changes) data[place] = parsed(text, old.dtype);
    if (data.every((x, k) => Object.is(x, old.data[k]))) return this.values;
    return this.rerun(number, { ...old, data });
  }

  /**
   * Return what an event sends if the gradient at its tensor is another one: what one path brings,
   * or of a unit gradient the slope.
   */
  through([tensor, , , , contribution], gradient) {
    const from = this.program.tensors.find(({ number }) => number === tensor).gradient;
    if (from === contribution) return gradient;
    const values = [...this.values];
    values[from] = gradient;
    const waiting = new Set(this.users[from]);
    for (let k = from + 1; k <= contribution; k++) {
      if (!waiting.has(k)) continue;
      values[k] = this.computed(this.program.entries[k], values, false);
      this.users[k].forEach((user) => waiting.add(user));
    }
    return values[contribution];
  }

  remember() {
    this.past.push(this.values);
    if (this.past.length > 1000) this.past.shift();
  }

  undo() {
    this.values = this.past.pop() ?? this.values;
  }

  reset() {
    if (this.values !== this.first) this.remember();
    this.values = this.first;
  }

  /** Return the values that follow from a new leaf, or refuse it. */
  rerun(number, leaf) {
    const values = [...this.values];
    values[number] = leaf;
    const waiting = new Set(this.users[number]);
    for (let k = number + 1; waiting.size && k < values.length; k++) {
      if (!waiting.delete(k)) continue;
      values[k] = this.computed(this.program.entries[k], values, false);
      if (values[k] && this.values[k] && !functions.same(values[k].shape, this.values[k].shape)) {
        throw new functions.Refused("with this number an array would have another shape");
      }
      this.users[k].forEach((user) => waiting.add(user));
    }
    for (const { number: k, was, op } of this.program.conditions) {
      if (values[k] && Boolean(values[k].data[0]) !== was) {
        throw new functions.Refused(`with this number the rule of ${op} goes another way, which ` +
          "this page does not know: try it in Python");
      }
    }
    return values;
  }

  computed(entry, values, first) {
    if (!entry.op || (entry.op === "unknown" && first)) return functions.read(entry);
    const inputs = entry.in.map((i) => (i === null ? undefined : values[i]));
    const params = resolved(entry.with ?? {}, values);
    if (entry.op === "unknown" || inputsOf(entry).some((i) => values[i] === null)) return null;
    return functions.rounded(functions.ops[entry.op](params, ...inputs), entry.dtype ?? "float64");
  }

  // -- the address ------------------------------------------------------------------------------

  /** Return what was changed, as it stands behind the # of an address: x[0,2]=3;t=1 */
  get address() {
    const parts = [];
    for (const { name, number } of this.leaves) {
      const { data, shape } = this.values[number];
      data.forEach((x, place) => {
        if (Object.is(x, this.first[number].data[place])) return;
        parts.push(`${encodeURIComponent(name)}${bracketed(shape, place)}=${written(x)}`);
      });
    }
    return parts.join(";");
  }

  /** Change what an address says; return a word for each part of it that cannot be. */
  load(address) {
    const words = [];
    for (const part of address.replace(/^#/, "").split(";").filter(Boolean)) {
      const [, name, index, text] = part.match(/^([^[=]*)(?:\[([\d,]*)\])?=(.*)$/) ?? [];
      const leaf = name && this.leaves.find((each) => encodeURIComponent(each.name) === encoded(name));
      const place = leaf ? placeOf(this.first[leaf.number].shape, index) : -1;
      const word = place < 0 ? "there is no such number here" : this.edit(leaf.number, place, text).word;
      if (word) words.push(`${part}: ${word}`);
    }
    return words;
  }
}

/** Return the numbers of all arrays that an entry is computed from. */
function inputsOf(entry) {
  const found = (entry.in ?? []).filter((i) => i !== null);
  for (const x of Object.values(entry.with ?? {})) {
    for (const each of Array.isArray(x) ? x : [x]) if (each?.value !== undefined) found.push(each.value);
  }
  return found;
}

/** Return parameters with arrays in place of their plain data, or of their numbers. */
function resolved(params, values) {
  const resolve = (x) => {
    if (Array.isArray(x)) return x.map(resolve);
    if (x?.value !== undefined) return values[x.value];
    return x?.data ? functions.read(x) : x;
  };
  return Object.fromEntries(Object.entries(params).map(([key, x]) => [key, resolve(x)]));
}

/** Return the number that was typed, or refuse it. */
function parsed(text, dtype) {
  const typed = String(text).trim().replace("\u2212", "-").toLowerCase();
  const special = { nan: NaN, inf: Infinity, "+inf": Infinity, "-inf": -Infinity, true: 1, false: 0 };
  if (!typed) throw new functions.Refused("type a number");
  const known = dtype.startsWith("float") ? ["nan", "inf", "+inf", "-inf"] : dtype === "bool" ? ["true", "false"] : [];
  if (known.includes(typed)) return special[typed];
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(typed)) {
    throw new functions.Refused(`${text} is not a number`);
  }
  const exact = Number(typed);
  const [x] = functions.rounded({ shape: [1], data: Float64Array.of(exact) }, dtype).data;
  if (dtype.startsWith("float")) {
    if (Number.isFinite(x)) return x;
    throw new functions.Refused(`${text} is too large for ${dtype}`);
  }
  if (dtype === "bool" && x !== exact) throw new functions.Refused("it is true (1) or false (0)");
  if (!Number.isInteger(exact)) throw new functions.Refused(`${text} is not a whole number`);
  if (x !== exact || !Number.isSafeInteger(exact) || (dtype[0] === "u" && exact < 0)) {
    throw new functions.Refused(`${text} does not fit into ${dtype}`);
  }
  return x;
}

/** Return a number as Python writes it, so that it can be typed again. */
function written(x) {
  return Number.isNaN(x) ? "nan" : Object.is(x, -0) ? "-0" : String(x).replace("Infinity", "inf");
}

function bracketed(shape, place) {
  const index = [];
  for (let a = shape.length - 1, rest = place; a >= 0; rest = Math.floor(rest / shape[a--])) {
    index.unshift(rest % shape[a]);
  }
  return index.length ? `[${index.join(",")}]` : "";
}

/** Return the place of an index such as "0,2" in a shape, or -1. */
function placeOf(shape, index) {
  const at = index ? index.split(",").map(Number) : [];
  const inside = at.length === shape.length && at.every((i, a) => i < shape[a]);
  return inside ? at.reduce((place, i, a) => place * shape[a] + i, 0) : -1;
}

/** Return a name as addresses have it, whether or not its letters are written as codes. */
function encoded(name) {
  try {
    return encodeURIComponent(decodeURIComponent(name));
  } catch {
    return name;
  }
}
