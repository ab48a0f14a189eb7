// Arrays printed as Python prints them; formatting.py has the same.
"use strict";

const tableShape = (shape) => {
  const width = shape.length ? shape[shape.length - 1] : 1;
  return [shape.slice(0, -1).reduce((a, b) => a * b, 1), width];
};

/** Return which rows or columns are printed, with null for a gap. */
function visible(count, most, first, last) {
  const all = [...Array(count).keys()];
  return count <= most ? all : [...all.slice(0, first), null, ...all.slice(count - last)];
}

/** Return the places of the entries in the rows and columns that are printed. */
function cellsOf({ shape }) {
  const [height, width] = tableShape(shape);
  const at = (i, j) => (i === null || j === null ? null : i * width + j);
  return visible(height, 8, 4, 2).map((i) => visible(width, 10, 4, 3).map((j) => at(i, j)));
}

/** Return the row and column at which an entry is printed. */
function cellAt(array, place) {
  const rows = cellsOf(array);
  const i = rows.findIndex((row) => row.includes(place));
  return i < 0 ? [] : [i, rows[i].indexOf(place)];
}

/** Return the place of the largest finite magnitude of those that are printed. */
function largestOf(array) {
  const places = cellsOf(array).flat().filter((k) => k !== null && Number.isFinite(array.data[k]));
  return places.reduce((best, k) => (Math.abs(array.data[k]) > Math.abs(array.data[best]) ? k : best), places[0] ?? 0);
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
  if (x === 0) return Object.is(x, -0) && dtype.startsWith("float") ? "-0" : "0";
  if (!dtype.startsWith("float") && Math.abs(x) < 100000) return String(x);
  const exponent = Number(x.toExponential(2).split("e")[1]);
  const plain = dtype.startsWith("float") && exponent >= -3 && exponent <= 3;
  const digits = plain ? Math.max(2 - exponent, 0) : 2 - exponent; // behind the point
  const near = toEven(x, digits);
  const text = plain ? near.toFixed(digits) : near.toExponential(2);
  return shortest(text.replace(/e([+-])(\d)$/, "e$10$2"), x, dtype);
}

/** Return a number with enough digits to tell it from a round one, as formatting.py does. */
function telling(x, dtype) {
  let text = printed(x, dtype);
  if (!dtype.startsWith("float") || !Number.isFinite(x)) return text;
  const isExact = () => functions.rounded({ shape: [], data: Float64Array.of(Number(text)) }, dtype).data[0] === x;
  for (let digits = 4; digits < 18 && !isExact() && /[0.]$/.test(text.split("e")[0]); digits++) {
    const exponent = Number(x.toExponential(digits - 1).split("e")[1]);
    const places = digits - 1 - exponent;
    text = exponent < -4 || places < 0 ? x.toExponential(digits - 1).replace(/e([+-])(\d)$/, "e$10$2")
      : x.toFixed(places) + (places === 0 ? "." : "");
  }
  return text;
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

