// A formula with the numbers of one entry put into it, as MathML.
//
// "∂x = y (∂y − Σ ∂y y)" becomes "∂z₀ = 0.659 ⋅ (−1.52 − (−1.52 ⋅ 0.659 + 0 ⋅ 0.242)) = −0.341".
// What is not understood is left out: a formula without numbers is not a mistake, a wrong one is.
"use strict";

const numbers = (() => {
  class NotUnderstood extends Error {}

  const LARGEST_MATRIX = 9;
  const [MOST_TERMS, FIRST_TERMS] = [4, 2]; // a sum of more terms shows the first ones and the last
  const SUMS = { "∑": "+", "∏": "⋅" };
  const SIGNS = "+−=/<>≤≥⋅,";
  const RESULT = -1; // stands for the tensor itself where others have the position of an input
  const SOFTMAX = -2;

  // -- elements of MathML -----------------------------------------------------------------------

  function wrapped(tag, children) {
    const result = document.createElementNS("http://www.w3.org/1998/Math/MathML", tag);
    result.append(...children);
    return result;
  }

  const sign = (text) => wrapped("mo", [text]);
  const isSign = (x, texts) => x.localName === "mo" && x.textContent !== "" && texts.includes(x.textContent);
  const inBrackets = (row) => [sign("("), ...row, sign(")")];
  const math = (row) => wrapped("math", [wrapped("mrow", row)]);

  /** Return a tensor's name, with the index of an entry as its subscript. */
  function name(text, place = []) {
    const word = wrapped("mi", [text]);
    word.setAttribute("class", "name");
    return place.length ? wrapped("msub", [word, wrapped("mn", [place.join(",")])]) : word;
  }

  /** Return a number; a negative one is in parentheses, except where a row begins. */
  function numeral({ x, dtype }, first) {
    const text = printed(x + 0, dtype); // the sign of -0 would be noise here
    const [mantissa, exponent] = text.replace(/^-/, "").split(/e(?=[-+])/);
    const digits = [wrapped("mn", [mantissa])];
    if (exponent) { // 1.2e-05 is for machines
      const power = exponent.replace("-", "−").replace("+", "").replace(/^(−?)0+(?=\d)/, "$1");
      digits.push(sign("⋅"), wrapped("msup", [wrapped("mn", ["10"]), wrapped("mn", [power])]));
    }
    if (!text.startsWith("-")) return first || !exponent ? digits : [wrapped("mrow", inBrackets(digits))];
    const minus = sign("−");
    minus.setAttribute("form", "prefix"); // a sign, not a difference
    return first ? [minus, ...digits] : [wrapped("mrow", inBrackets([minus, ...digits]))];
  }

  /** Return MathML as a line of text, to be read aloud. */
  function spoken(node) {
    const parts = [...node.children].map(spoken);
    if (!parts.length) {
      const text = node.textContent;
      return node.localName === "mo" && "=+−⋅<>≤≥/".includes(text) && node.getAttribute("form") !== "prefix" ? ` ${text} ` : text;
    }
    switch (node.localName) {
      case "mfrac": return `(${parts[0]}) / (${parts[1]})`;
      case "msup": return `${parts[0]}^${parts[1]}`;
      case "msub": return `${parts[0]}[${parts[1].replaceAll(",", ", ")}]`;
      case "msqrt": return `√(${parts.join("")})`;
      case "mtr": return `[${parts.join(" ")}]`;
      default: return parts.join(node.localName === "mtable" ? " " : "");
    }
  }

  // -- which numbers the letters stand for ------------------------------------------------------

  const sizeOf = (shape) => shape.reduce((a, b) => a * b, 1);

  /** Return the index of the place `k` in a shape. */
  function indexOf(shape, k) {
    const index = [];
    for (let a = shape.length - 1; a >= 0; k = Math.floor(k / shape[a--])) index.unshift(k % shape[a]);
    return index;
  }

  const placeOf = (shape, index) => index.reduce((place, i, a) => place * shape[a] + i, 0);

  /** Return the entry that an array has at an index when it is broadcast to a shape. */
  function at(array, shape, index) {
    const extra = shape.length - array.shape.length;
    const fits = extra >= 0 && array.shape.every((n, a) => n === 1 || n === shape[extra + a]);
    if (!fits) throw new NotUnderstood();
    const own = array.shape.map((n, a) => (n === 1 ? 0 : index[extra + a]));
    return { x: array.data[placeOf(array.shape, own)], dtype: array.dtype };
  }

  /** Return the row of an array that an entry lies in, and the entry's position there. */
  function rowAlong(array, axis, index) {
    const row = [];
    for (let j = 0; j < array.shape[axis]; j++) {
      row.push(at(array, array.shape, [...index.slice(0, axis), j, ...index.slice(axis)]));
    }
    return row;
  }

  /**
   * Return { scalars, vectors, index, length }: what letters without and with a subscript stand
   * for, where the entry is (for which number the subscript i stands), and how far sums run.
   */
  function entryOf({ made, own }, arrays, result, place) {
    const { shapes } = made;
    if (!shapes || made.axis === "several") throw new NotUnderstood();
    if (/^[(),>-]*$/.test(shapes)) return byEntry(made, own, arrays, result, place);
    if (!/^[(n),>-]*$/.test(shapes)) throw new NotUnderstood();
    const whole = arrays.whole;
    if (made.axis === null) return alongAll(own, arrays, whole, result, place);
    return alongAxis(arrays, made.axis < 0 ? made.axis + whole.shape.length : made.axis, whole, result, place);
  }

  function byEntry(made, own, arrays, result, place) {
    if (!functions.same(result.shape, own.shape)) throw new NotUnderstood(); // a sum of several entries
    const scalars = new Map([...arrays.found].map(([letter, x]) => [letter, at(x, own.shape, place)]));
    const isTie = ["maximum", "minimum"].includes(made.op) && scalars.get("x").x === scalars.get("y").x;
    if (isTie) throw new NotUnderstood(); // the formulas do not speak of it
    return { scalars, vectors: new Map(), index: {}, length: 0 };
  }

  const whole = (n) => ({ x: n, dtype: "int64" });

  function alongAll(own, arrays, of, result, place) {
    if (own.shape.length) throw new NotUnderstood();
    const scalars = new Map([["n", whole(of.data.length)]]);
    const vectors = new Map();
    for (const [letter, x] of arrays.found) {
      if (!x.shape.length) scalars.set(letter, { x: x.data[0], dtype: x.dtype });
      if (functions.same(x.shape, of.shape)) vectors.set(letter, Array.from(x.data, (v) => ({ x: v, dtype: x.dtype })));
    }
    return { scalars, vectors, index: { i: placeOf(result.shape, place) }, length: of.data.length };
  }

  function alongAxis(arrays, axis, of, result, place) {
    const isWhole = functions.same(result.shape, of.shape);
    if (!isWhole && result.shape.length !== of.shape.length - 1) throw new NotUnderstood();
    const row = isWhole ? place.filter((_, a) => a !== axis) : place;
    const length = of.shape[axis];
    const rows = of.shape.filter((_, a) => a !== axis);
    const scalars = new Map([["n", whole(length)]]);
    const vectors = new Map();
    for (const [letter, x] of arrays.found) {
      if (functions.same(x.shape, of.shape)) vectors.set(letter, rowAlong(x, axis, row));
      if (functions.same(x.shape, rows)) scalars.set(letter, at(x, rows, row));
    }
    return { scalars, vectors, index: { i: isWhole ? place[axis] : 0 }, length };
  }

  function lookUp(entry, letter, subscripts = []) {
    const found = (subscripts.length ? entry.vectors : entry.scalars).get(letter);
    const number = subscripts.length ? found?.[subscripts[0]] : found;
    if (number === undefined || subscripts.length > 1) throw new NotUnderstood();
    return number;
  }

  // -- numbers in place of letters, row by row ---------------------------------------------------

  /** Replace the letters of a row; write products with dots. */
  function filled(children, entry, index, begins = true) {
    const result = [];
    for (let k = 0; k < children.length;) {
      const child = children[k++];
      if (child.localName === "mspace") continue;
      let added;
      const kind = sumOf(child);
      if (kind) {
        const scope = scopeOf(children.slice(k));
        const alone = k === 1 && scope.length === children.length - 1;
        k += scope.length;
        if (!entry.length) throw new NotUnderstood();
        const letter = child.children[1].textContent;
        const terms = series(entry.length, SUMS[kind], (j, first) => filled(scope, entry, { ...index, [letter]: j }, first));
        added = alone ? terms : inBrackets(terms);
      } else {
        const first = result.length ? isSign(result.at(-1), "([=,") : begins;
        added = replaced(child, entry, index, first);
      }
      if (result.length && added.length && endsOperand(result.at(-1)) && startsOperand(added[0])) result.push(sign("⋅"));
      result.push(...added);
    }
    return result;
  }

  /** Write a sum or a product out; of many terms the first ones and the last. */
  function series(count, plus, term) {
    const shown = count > MOST_TERMS ? [...Array(FIRST_TERMS).keys(), null, count - 1] : [...Array(count).keys()];
    return shown.reduce((row, k) => {
      const written = k === null ? [sign("⋯")] : term(k, !row.length);
      return row.length ? [...row, sign(plus), ...written] : written;
    }, []);
  }

  function replaced(child, entry, index, first) {
    const text = child.textContent;
    const own = (part) => filled(part.localName === "mrow" ? [...part.children] : [part], entry, index);
    switch (child.localName) {
      case "mn": case "mo": return [child.cloneNode(true)];
      case "mi":
        if (text in index) return numeral(whole(index[text]), first);
        if (text.length > 1 || text === "e") return [child.cloneNode(true)]; // a function, or Euler's number
        return numeral(lookUp(entry, text), first);
      case "mover": return numeral(lookUp(entry, letterOf(child)), first);
      case "msub": {
        const leaves = [child.children[1], ...child.children[1].querySelectorAll("*")].filter((x) => !x.children.length);
        const subscripts = leaves.map((x) => index[x.textContent] ?? lookUp(entry, x.textContent).x);
        return numeral(lookUp(entry, letterOf(child.children[0]), subscripts), first);
      }
      case "mrow": return filled([...child.children], entry, index);
      case "mfrac": case "msqrt": case "msup": {
        const parts = [...child.children].map(own);
        if (child.localName === "msup" && parts[0].length > 1) parts[0] = inBrackets(parts[0]);
        return [wrapped(child.localName, parts.map((part) => wrapped("mrow", part)))];
      }
      default: throw new NotUnderstood();
    }
  }

  const BAR = "\u0304"; // behind a letter: the gradient
  const letterOf = (x) => (x.localName === "mover" ? x.children[0].textContent + BAR : x.textContent);

  /** Return the sign of a sum or product over one plain subscript, or nothing. */
  function sumOf(x) {
    const isSum = ["msub", "munder"].includes(x.localName) && isSign(x.children[0], Object.keys(SUMS));
    return isSum && x.children[1].localName === "mi" ? x.children[0].textContent : "";
  }

  /** Return what a sum applies to: up to the end of the row, a sign, or its parenthesis. */
  function scopeOf(rest) {
    let depth = 0;
    for (let k = 0; k < rest.length; k++) {
      const last = rest[k].children[0] ?? rest[k]; // of a power of a parenthesis, the parenthesis
      depth -= isSign(last, ")]");
      if (depth < 0 || (depth === 0 && isSign(rest[k], SIGNS)) || (k && sumOf(rest[k]))) return rest.slice(0, k);
      depth += isSign(rest[k], "([");
    }
    return rest;
  }

  const endsOperand = (x) => !["mi", "mo"].includes(x.localName) || isSign(x, ")]");
  const startsOperand = (x) => x.localName !== "mo" || isSign(x, "([");

  // -- matrices ---------------------------------------------------------------------------------

  /** Write a product of small matrices out. */
  function matrices(parts, arrays, result, called) {
    const written = parts.map((child) => {
      const power = child.localName === "msup";
      const written = matrix(arrays.found.get(letterOf(power ? child.children[0] : child)));
      return power ? wrapped("msup", [written, child.children[1].cloneNode(true)]) : written;
    });
    return [name(called), sign("="), ...written, sign("="), matrix(result)];
  }

  const isSmall = (x) => x && x.shape.length === 2 && x.data.length <= LARGEST_MATRIX;

  function matrix(array) {
    const { shape: [height, width], data, dtype } = array;
    const cell = (i, j) => wrapped("mtd", numeral({ x: data[i * width + j], dtype }, true));
    const rows = [...Array(height).keys()].map((i) =>
      wrapped("mtr", [...Array(width).keys()].map((j) => cell(i, j))));
    return wrapped("mrow", inBrackets([wrapped("mtable", rows)]));
  }

  /** Write one entry of a product of matrices out: a row times a column. */
  function rowTimesColumn(parts, { made, arrays }, role, result, place) {
    const isFlat = [0, 1].map((i) => arrays.byRole(i).shape.length === 1);
    // A vector takes part as one row, on the left, or as one column.
    const promoted = (list, of, filler) => {
      const full = [...list];
      if (isFlat[1] && of !== 0) full.push(filler);
      if (isFlat[0] && of !== 1) full.splice(full.length - 1, 0, filler);
      return full;
    };
    const operands = parts.map((child) => {
      const turned = child.localName === "msup";
      const letter = letterOf(turned ? child.children[0] : child);
      const x = arrays.found.get(letter);
      const of = letter.endsWith(BAR) ? RESULT : made.letters[letter];
      if (!x || of === undefined) throw new NotUnderstood();
      return { x: { ...x, shape: promoted(x.shape, of, 1) }, turned };
    });
    const [left, right] = operands;
    const index = promoted(place, role, 0);
    const batch = index.slice(0, -2);
    const shape = promoted(result.shape, role, 1).slice(0, -2);
    const [i, j] = index.slice(-2);
    const count = left.x.shape.at(left.turned ? -2 : -1);
    const read = ({ x, turned }, a, b) =>
      at(x, [...shape, ...x.shape.slice(-2)], [...batch, ...(turned ? [b, a] : [a, b])]);
    return series(count, "+", (k, first) =>
      [...numeral(read(left, i, k), first), sign("⋅"), ...numeral(read(right, k, j), false)]);
  }

  // -- lines ------------------------------------------------------------------------------------

  const same = (a, b) => a.map((x) => x.outerHTML).join() === b.map((x) => x.outerHTML).join();

  /** Return the places of all entries that were summed to one entry, to undo broadcasting. */
  function sources(unsummed, result, place) {
    const whole = placeOf(result.shape, place);
    const ids = { shape: result.shape, dtype: "int64", data: Float64Array.from(result.data, (_, k) => k) };
    return [...unsummed.data.keys()].map((k) => indexOf(unsummed.shape, k))
      .filter((index) => at(ids, unsummed.shape, index).x === whole);
  }

  class Lines {
    /** `page` is what live/page.py writes. */
    constructor(page) {
      this.page = page;
      this.trees = page.formulas.map((text) => new DOMParser().parseFromString(text, "application/xml").documentElement);
    }

    /** Return the line of one entry of a tensor's value; null if its formula does not give it. */
    forward(values, k, place, isChosen) {
      const { number, name: called } = this.page.program.tensors[k];
      const made = this.page.made[k];
      if (!made || made.formula === null) return null;
      return this.line(values, k, made.formula, { result: values[number], role: RESULT, place, called, isChosen });
    }

    /** Return the line of one entry of what an event sends; `late` has its arrays in another order. */
    backward(values, k, event, late, place, isChosen) {
      const [, i, to] = event;
      const [gradient, returned, contribution] = late;
      const made = this.page.made[k];
      if (made.rules[i] === null) return null;
      const result = values[contribution];
      const unsummed = values[returned]?.data.length === result?.data.length ? null : values[returned];
      const target = this.page.program.tensors.find(({ number }) => number === to).name;
      const called = /^[\p{L}_][\p{L}\p{N}_]*$/u.test(target) ? `∂${target}` : `∂(${target})`;
      return this.line(values, k, made.rules[i], { gradient: values[gradient], result, unsummed, role: i, place, called, isChosen });
    }

    line(values, k, formula, { gradient, result, unsummed, role, place, called, isChosen }) {
      const made = this.page.made[k];
      const own = values[this.page.program.tensors[k].number];
      if (!result?.data.length || !own || gradient === null) return null;
      try {
        const about = { made, own, arrays: this.arrays(values, made, own, gradient) };
        const row = rightSide(this.trees[formula]);
        const parts = row.filter((x) => x.localName !== "mspace");
        const isProduct = made.op === "matmul" && parts.length === 2 && !unsummed;
        const all = isProduct && parts.map((x) => about.arrays.found.get(letterOf(x.localName === "msup" ? x.children[0] : x)));
        if (isProduct && !isChosen && [...all, result].every(isSmall)) return math(matrices(parts, about.arrays, result, called));
        const filledAt = (of, index, first) => {
          const entry = entryOf(about, about.arrays, of, index);
          return filled(row, entry, entry.index, first);
        };
        let right;
        if (isProduct) right = rowTimesColumn(parts, about, role, result, place);
        else if (!unsummed) right = filledAt(result, place, true);
        else {
          const from = sources(unsummed, result, place);
          right = series(from.length, "+", (j, first) => filledAt(unsummed, from[j], first));
        }
        const answer = numeral({ x: result.data[placeOf(result.shape, place)], dtype: result.dtype }, true);
        return math([name(called, place), sign("="), ...right, ...(same(right, answer) ? [] : [sign("="), ...answer])]);
      } catch (error) {
        if (error instanceof NotUnderstood) return null;
        throw error;
      }
    }

    /** Return the arrays that letters stand for; those of gradients have a bar behind the letter. */
    arrays(values, made, own, gradient) {
      const byRole = (i) => (i === RESULT ? own : values[i === SOFTMAX ? made.softmax : made.inputs[i]]);
      const found = new Map();
      for (const [letter, i] of Object.entries(made.letters)) {
        const x = byRole(i);
        if (!x) throw new NotUnderstood();
        found.set(letter, letter === "c" ? { ...x, dtype: "int64" } : x); // the formulas count with it
        if (i === RESULT && gradient) found.set(letter + BAR, gradient);
      }
      const tensors = this.page.program.tensors;
      const last = made.inputs.filter((i) => tensors.some(({ number }) => number === i)).at(-1);
      return { found, byRole, whole: values[last] };
    }
  }

  /** Return what follows the first equals sign of a formula. */
  function rightSide(tree) {
    const row = [...tree.children];
    const children = row.length === 1 && row[0].localName === "mrow" ? [...row[0].children] : row;
    const k = children.findIndex((child) => isSign(child, "="));
    if (k < 0) throw new NotUnderstood();
    return children.slice(k + 1);
  }

  return { Lines, spoken, math, name, numeral, sign, series, indexOf, placeOf };
})();
