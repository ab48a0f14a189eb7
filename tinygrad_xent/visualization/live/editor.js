// Fields to change numbers in, and arrays printed as Python prints them.
"use strict";

/**
 * Return the part of a view in which numbers are changed. `changed()` is called after every change;
 * `loss` is the entry whose change is told.
 */
function editor(live, loss, gradients, changed) {
  const choice = element("select", { "aria-label": "tensor to change", onchange: () => show() },
    ...live.leaves.map(({ name, constant }, k) =>
      element("option", { value: k }, constant ? `${name} (constant)` : name)));
  const fields = element("div", { class: "fields" });
  const word = element("p", { class: "hint", role: "alert" });
  const told = element("p", { class: "told", role: "status" });
  const undo = element("button", { type: "button", onclick: () => back(() => live.undo()) }, "Undo");
  const reset = element("button", { type: "button", onclick: () => back(() => live.reset()) }, "Reset");
  const part = element("details", { class: "edit" },
    element("summary", {}, "Change a number"),
    element("div", { class: "choose" }, element("label", {}, "Tensor ", choice), undo, reset),
    fields, word, told,
    element("p", { class: "note" }, "Press Enter to apply a number. ↑ and ↓ change it by 0.1, with Shift by 1, ",
      "with Alt by 0.01. The steps as text stay as they were recorded."));
  show();
  return { part, show, say: (text) => (word.textContent = text) };

  function leaf() {
    return live.leaves[choice.value];
  }

  function show() {
    const { name, number } = leaf();
    const array = live.values[number];
    const [height, width] = tableShape(array.shape);
    fields.replaceChildren(element("table", {}, element("tbody", {},
      ...visible(height, 8, 4, 2).map((i) => element("tr", {},
        ...visible(width, 10, 4, 3).map((j) =>
          element("td", {}, i === null || j === null ? "…" : field(name, number, i * width + j))))))));
    undo.setAttribute("aria-disabled", live.past.length === 0);
    reset.setAttribute("aria-disabled", live.values === live.first);
  }

  function field(name, number, place) {
    const array = () => live.values[number];
    const index = bracketed(array().shape, place).replaceAll(",", ", ");
    const input = element("input", {
      type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false",
      "aria-label": `value of ${name}${index}`, value: written(array().data[place]),
      onchange: () => apply(input.value),
      onkeydown: (event) => {
        const sign = { ArrowUp: 1, ArrowDown: -1 }[event.key];
        if (!sign) return;
        event.preventDefault();
        const whole = !array().dtype.startsWith("float");
        const step = whole || event.shiftKey ? 1 : event.altKey ? 0.01 : 0.1;
        apply(written(Number((array().data[place] + sign * step).toPrecision(12))));
      },
    });
    return input;

    function apply(text) {
      const before = { loss: live.values[loss], x: array().data[place], slope: slope(number, place) };
      const { word: wrong } = live.edit(number, place, text);
      word.textContent = wrong ?? "";
      input.setAttribute("aria-invalid", Boolean(wrong));
      if (wrong) return;
      tell(before, array().data[place] - before.x);
      input.value = written(array().data[place]);
      undo.setAttribute("aria-disabled", live.past.length === 0);
      reset.setAttribute("aria-disabled", live.values === live.first);
      changed();
    }
  }

  function slope(number, place) {
    const at = gradients.get(number);
    return at === undefined ? null : live.values[at]?.data[place] ?? null;
  }

  // What the gradient promised, beside what came.
  function tell({ loss: old, slope: rate }, step) {
    const now = live.values[loss];
    if (!now || !old) return told.replaceChildren("The result cannot follow: it is computed by an op whose function is not known here.");
    const name = live.program.tensors.find(({ number }) => number === loss).name;
    const change = printed(now.data[0] - old.data[0]);
    const promise = rate === null ? "" : `; gradient × change: ${printed(rate * step)}`;
    told.replaceChildren(minus(`${name} is ${printed(now.data[0])}. Change of ${name}: ${change}${promise}.`));
  }

  function back(act) {
    act();
    word.textContent = "";
    told.replaceChildren();
    show();
    changed();
  }
}

// -- arrays in print ----------------------------------------------------------------------------

const tableShape = (shape) => {
  const width = shape.length ? shape[shape.length - 1] : 1;
  return [shape.slice(0, -1).reduce((a, b) => a * b, 1), width];
};

/** Return which rows or columns are printed, with null for a gap. */
function visible(count, most, first, last) {
  const all = [...Array(count).keys()];
  return count <= most ? all : [...all.slice(0, first), null, ...all.slice(count - last)];
}

/** Return an array as the window of it that `table` shows. */
function windowOf(array) {
  if (!array) return { rows: [["?"]], top: "0", note: "cannot follow the change" };
  const { data, shape, dtype } = array;
  const [height, width] = tableShape(shape);
  const finite = data.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const [rows, columns] = [visible(height, 8, 4, 2), visible(width, 10, 4, 3)];
  const range = finite.length ? `, from ${printed(low, dtype)} to ${printed(high, dtype)}` : "";
  const all = shape.join(" × ");
  return {
    rows: rows.map((i) => columns.map((j) =>
      (i === null || j === null ? "…" : printed(data[i * width + j], dtype)))),
    top: finite.length ? printed(Math.max(Math.abs(low), Math.abs(high))) : "0",
    note: !data.length ? `no entries (${all})`
      : rows.includes(null) || columns.includes(null) ? all + range : shape.length > 2 ? all : "",
  };
}

/** Return a number with at most three significant digits; formatting.py has the same. */
function printed(x, dtype = "float64") {
  if (dtype === "bool") return x ? "True" : "False";
  if (Number.isNaN(x)) return "NaN";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  if (x === 0) return "0";
  if (!dtype.startsWith("float") && Math.abs(x) < 100000) return String(x);
  const exponent = Number(x.toExponential(2).split("e")[1]);
  const plain = dtype.startsWith("float") && exponent >= -3 && exponent <= 3;
  const digits = plain ? Math.max(2 - exponent, 0) : 2 - exponent; // behind the point
  const near = toEven(x, digits);
  const text = plain ? near.toFixed(digits) : near.toExponential(2);
  return shortest(text.replace(/e([+-])(\d)$/, "e$10$2"), x, dtype);
}

/** Return a number that lies halfway between two of so many digits as the even one, as Python. */
function toEven(x, digits) {
  const size = Math.abs(x);
  const unit = 10 ** Math.abs(digits);
  const scaled = digits > 0 ? size * unit : size / unit;
  const isTie = digits > 0
    ? Number.isInteger(size * 2 ** (digits + 1)) && (scaled * 2) % 2 === 1
    : size % unit === unit / 2;
  if (!isTie) return x;
  const even = Math.floor(scaled) + (Math.floor(scaled) % 2);
  return Math.sign(x) * (digits > 0 ? even / unit : even * unit);
}

/** Leave trailing zeros out if the text is still exactly the number. */
function shortest(text, x, dtype) {
  const [mantissa, power] = text.split("e");
  if (!mantissa.includes(".")) return text;
  const short = mantissa.replace(/0+$/, "").replace(/\.$/, "") + (power ? `e${power}` : "");
  const value = functions.rounded({ shape: [], data: Float64Array.of(Number(short)) }, dtype).data[0];
  return value === x ? short : text;
}

/** Return an array on one line: in full if it is short, otherwise its range. */
function inWords(array) {
  if (!array) return "It cannot follow the change.";
  const { data, shape, dtype } = array;
  if (!data.length) return "no entries";
  if (data.length === 1) return printed(data[0], dtype);
  const nested = (at, axis) => (axis === shape.length ? printed(data[at], dtype)
    : `[${[...Array(shape[axis]).keys()].map((i) => nested(at * shape[axis] + i, axis + 1)).join(" ")}]`);
  if (data.length <= 10) return nested(0, 0);
  const finite = data.filter(Number.isFinite);
  const odd = data.length - finite.length;
  if (!finite.length) return `${odd} NaN or inf`;
  const [low, high] = [Math.min(...finite), Math.max(...finite)].map((x) => printed(x, dtype));
  return (low === high ? `all ${low}` : `${low} to ${high}`) + (odd ? `, ${odd} NaN or inf` : "");
}

// -- the picture --------------------------------------------------------------------------------

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

  // The marks are made once: the browser then has only colours and texts to change.
  painted({ data, dtype }, heat) {
    const top = data.reduce((a, x) => (Number.isFinite(x) ? Math.max(a, Math.abs(x)) : a), 0);
    this.marks ??= this.cells.map(([x, y, width, height]) => {
      const cell = { d: `M${x} ${y}h${width}v${height}h${-width}z`, stroke: "#d3d8df", "stroke-width": 0.6 };
      const at = { x: x + width / 2, y: y + height / 2 + 4, "font-size": 11, "text-anchor": "middle" };
      return [shape("path", cell), shape("text", at), width - 4];
    });
    this.marks.forEach(([cell, mark, room], k) => {
      const [fill, ink] = heat[level(data[k], top, (heat.length - 1) / 2)] ?? ["#ffffff", "#000000"];
      const text = this.isPrinted ? minus(printed(data[k], dtype)) : Number.isFinite(data[k]) ? "" : "!";
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
