// The functions of the ops, without their rules: one line or a few for each, on a small core.
//
// An array is { shape, dtype, data }: its entries in row-major order, as a Float64Array whatever
// the dtype is. A function gets the parameters of a call and its inputs; what it returns is rounded
// to the dtype that Python's op returned, which the program says.
"use strict";

const functions = (() => {
  class Refused extends Error {} // its message goes beside what was typed

  // -- arrays -----------------------------------------------------------------------------------

  const sizeOf = (shape) => shape.reduce((a, b) => a * b, 1);
  const array = (shape, data) => ({ shape, dtype: "float64", data });
  const zeros = (shape) => array(shape, new Float64Array(sizeOf(shape)));
  const WORDS = { nan: NaN, inf: Infinity, "-inf": -Infinity };

  /** Return an array of the program's plain data. */
  function read({ shape, dtype, data }) {
    return { shape, dtype, data: Float64Array.from(data, (x) => WORDS[x] ?? x) };
  }

  function stridesOf(shape) {
    const strides = new Array(shape.length);
    for (let a = shape.length - 1, step = 1; a >= 0; step *= shape[a--]) strides[a] = step;
    return strides;
  }

  /** Return the places that an index visits as it runs over a shape with these strides. */
  function walk(shape, strides) {
    const places = new Int32Array(sizeOf(shape));
    const index = new Array(shape.length).fill(0);
    for (let k = 0, at = 0; k < places.length; k++) {
      places[k] = at;
      for (let a = shape.length - 1; a >= 0; a--) {
        at += strides[a];
        if (++index[a] < shape[a]) break;
        at -= strides[a] * shape[a];
        index[a] = 0;
      }
    }
    return places;
  }

  const gather = (x, shape, places) => array(shape, Float64Array.from(places, (p) => x.data[p]));
  const reshaped = (x, shape) => array(shape, x.data);

  /** Return strides by which an array of one shape is read as if it were broadcast to another. */
  function stretched(shape, to) {
    const strides = stridesOf(shape).map((step, a) => (shape[a] === 1 ? 0 : step));
    return [...new Array(to.length - shape.length).fill(0), ...strides];
  }

  function broadcast(shapes) {
    const out = new Array(Math.max(...shapes.map((s) => s.length))).fill(1);
    for (const shape of shapes) {
      shape.forEach((n, a) => {
        const at = out.length - shape.length + a;
        if (n !== 1) out[at] = n;
      });
    }
    return out;
  }

  const same = (a, b) => a.length === b.length && a.every((n, i) => n === b[i]);
  const spread = (x, shape) =>
    same(x.shape, shape) ? x : gather(x, shape, walk(shape, stretched(x.shape, shape)));

  /** Make a function of numbers one of arrays, which broadcast. */
  const each = (f) => (_, ...xs) => {
    const shape = broadcast(xs.map((x) => x.shape));
    const [x, y, z] = xs.map((x) => spread(x, shape).data);
    const out = new Float64Array(sizeOf(shape));
    if (z) for (let k = 0; k < out.length; k++) out[k] = f(x[k], y[k], z[k]);
    else if (y) for (let k = 0; k < out.length; k++) out[k] = f(x[k], y[k]);
    else for (let k = 0; k < out.length; k++) out[k] = f(x[k]);
    return array(shape, out);
  };

  // -- axes -------------------------------------------------------------------------------------

  const list = (x) => (Array.isArray(x) ? x : [x]);
  const positive = (axis, n) => (axis < 0 ? axis + n : axis);
  const axesOf = (axis, n) =>
    axis == null ? [...Array(n).keys()] : list(axis).map((a) => positive(a, n));

  /** Return the places of each row along axes, one row behind the other. */
  function rowsOf(shape, axis) {
    const axes = shape.length ? axesOf(axis, shape.length) : [];
    const kept = shape.map((_, a) => a).filter((a) => !axes.includes(a));
    const strides = stridesOf(shape);
    const order = [...kept, ...axes];
    return {
      outer: kept.map((a) => shape[a]),
      whole: shape.map((n, a) => (axes.includes(a) ? 1 : n)),
      length: sizeOf(axes.map((a) => shape[a])),
      places: walk(order.map((a) => shape[a]), order.map((a) => strides[a])),
    };
  }

  const rowAt = (data, { places, length }, r) =>
    Float64Array.from(places.subarray(r * length, (r + 1) * length), (p) => data[p]);

  /** Make a function of a row one that reduces axes. */
  const reduce = (f) => (p, x, ...others) => {
    const rows = rowsOf(x.shape, p.axis);
    const shape = p.keepdims ? rows.whole : rows.outer;
    const out = zeros(shape);
    for (let r = 0; r < out.data.length; r++) {
      out.data[r] = f(rowAt(x.data, rows, r), p, ...others.map((y) => rowAt(y.data, rows, r)));
    }
    return out;
  };

  /** Make a function from rows to rows one of arrays. */
  const along = (f) => (p, x, ...others) => {
    const rows = rowsOf(x.shape, p.axis);
    const out = zeros(x.shape);
    for (let r = 0; r < sizeOf(rows.outer); r++) {
      const row = f(rowAt(x.data, rows, r), ...others.map((y) => rowAt(y.data, rows, r)));
      row.forEach((value, k) => (out.data[rows.places[r * rows.length + k]] = value));
    }
    return out;
  };

  const flat = (x) => reshaped(x, [x.data.length]);
  const orFlat = (f) => (p, x) => (p.axis == null ? f({ ...p, axis: 0 }, flat(x)) : f(p, x));
  const transposed = (x, axes) => {
    const strides = stridesOf(x.shape);
    const shape = axes.map((a) => x.shape[a]);
    return gather(x, shape, walk(shape, axes.map((a) => strides[a])));
  };

  // -- sums -------------------------------------------------------------------------------------

  const total = (row) => row.reduce((a, b) => a + b, 0);
  const totalOf = (row, f) => row.reduce((a, b, i) => a + f(b, i), 0);
  const average = (row) => total(row) / row.length;
  const extreme = (f) => reduce((row) => row.reduce((a, b) => f(a, b)));
  const variance = (row, { ddof }) => {
    const mean = average(row);
    return totalOf(row, (x) => (x - mean) ** 2) / Math.max(row.length - ddof, 0);
  };

  function length(row, { ord }) {
    if (ord === 0) return totalOf(row, (x) => +(x !== 0));
    if (WORDS[ord] === Infinity) return row.reduce((a, x) => Math.max(a, Math.abs(x)), 0);
    if (WORDS[ord] === -Infinity) return row.reduce((a, x) => Math.min(a, Math.abs(x)), Infinity);
    if (ord === 1) return totalOf(row, Math.abs);
    if (ord === 2) return Math.sqrt(totalOf(row, (x) => x * x));
    return totalOf(row, (x) => Math.abs(x) ** ord) ** (1 / ord);
  }

  function running(f) {
    return orFlat(along((row) => {
      for (let k = 1; k < row.length; k++) row[k] = f(row[k - 1], row[k]);
      return row;
    }));
  }

  function sumTo(p, x) {
    const to = list(p.shape);
    const strides = stretched(to, x.shape);
    const out = zeros(to);
    walk(x.shape, strides).forEach((place, k) => (out.data[place] += x.data[k]));
    return out;
  }

  // -- products ---------------------------------------------------------------------------------

  function matmul(_, x, y) {
    const left = x.shape.length === 1 ? reshaped(x, [1, ...x.shape]) : x;
    const right = y.shape.length === 1 ? reshaped(y, [...y.shape, 1]) : y;
    const [m, k] = left.shape.slice(-2);
    const n = right.shape[right.shape.length - 1];
    const batch = broadcast([left.shape.slice(0, -2), right.shape.slice(0, -2)]);
    const a = spread(left, [...batch, m, k]).data;
    const b = spread(right, [...batch, k, n]).data;
    const out = new Float64Array(sizeOf(batch) * m * n);
    for (let i = 0; i < sizeOf(batch) * m; i++) {
      const matrix = Math.floor(i / m) * k * n;
      for (let l = 0; l < k; l++) {
        const factor = a[i * k + l];
        for (let j = 0; j < n; j++) out[i * n + j] += factor * b[matrix + l * n + j];
      }
    }
    const rows = x.shape.length === 1 ? [] : [m];
    return array([...batch, ...rows, ...(y.shape.length === 1 ? [] : [n])], out);
  }

  function einsum({ subscripts }, ...xs) {
    const [left, arrow, right] = subscripts.replaceAll(" ", "").split(/(->)/);
    const groups = left.split(",");
    const once = [...left.replaceAll(",", "")].filter((c, _, all) =>
      all.indexOf(c) === all.lastIndexOf(c));
    const output = arrow ? [...right] : once.sort();
    const lengths = {};
    groups.forEach((group, i) => [...group].forEach((c, a) => {
      lengths[c] = Math.max(lengths[c] ?? 1, xs[i].shape[a]);
    }));
    const letters = [...output, ...Object.keys(lengths).filter((c) => !output.includes(c))];
    const all = letters.map((c) => lengths[c]);
    const columns = xs.map((x, i) => {
      const strides = stretched(x.shape, x.shape);
      const at = walk(all, letters.map((c) =>
        totalOf([...groups[i]], (own, a) => (own === c ? strides[a] : 0))));
      return gather(x, all, at).data;
    });
    const out = zeros(output.map((c) => lengths[c]));
    const summed = all.length && sizeOf(all.slice(output.length));
    for (let k = 0; k < sizeOf(all); k++) {
      const product = columns.reduce((a, column) => a * column[k], 1);
      out.data[summed ? Math.floor(k / summed) : 0] += product;
    }
    return out;
  }

  // -- softmax and the cross-entropies ----------------------------------------------------------
  // The exponential of the largest entry is 1; the sum of the others keeps its digits beside it.

  function apart(row) {
    const top = row.reduce((best, x, i) => (x > row[best] || x !== x ? i : best), 0);
    const gaps = row.map((x) => x - row[top]);
    const e = gaps.map(Math.exp);
    const own = e[top]; // 1, or NaN in a row without a finite maximum
    return { top, gaps, e, others: totalOf(e, (x, i) => (i === top ? own - 1 : x)) };
  }

  function softmax(row) {
    const { e, others } = apart(row);
    return e.map((x) => x / (1 + others));
  }

  function logSoftmax(row) {
    const { gaps, others } = apart(row);
    return gaps.map((gap) => gap - Math.log1p(others));
  }

  function logSumExp(row) {
    if (!row.length) return -Infinity;
    const { top, others } = apart(row);
    return Math.abs(row[top]) === Infinity ? row[top] : row[top] + Math.log1p(others);
  }

  function weighted(row, factors) {
    const highest = row.reduce((a, x, i) => (factors[i] === 0 ? a : Math.max(a, x)), -Infinity);
    const top = Number.isFinite(highest) ? highest : 0;
    const term = (x, i) => (factors[i] === 0 ? 0 : factors[i] * Math.exp(x - top));
    return top + Math.log(totalOf(row, term));
  }

  /** Let only the entries of each row that a mask leaves in take part. */
  const inside = (f, outside) => (row, mask) => {
    const chosen = f(row.filter((_, i) => mask[i]));
    let next = 0;
    return row.map((_, i) => (mask[i] ? chosen[next++] : outside));
  };

  const maskable = (f, outside) => (p, x) =>
    p.where ? along(inside(f, outside))(p, x, spread(p.where, x.shape)) : along(f)(p, x);

  function logSumExpOf(p, x) {
    const left = p.where && spread(p.where, x.shape).data;
    const values = left ? array(x.shape, x.data.map((v, k) => (left[k] ? v : -Infinity))) : x;
    if (!p.b) return reduce(logSumExp)(p, values);
    return reduce((row, _, factors) => weighted(row, factors))(p, values, spread(p.b, x.shape));
  }

  function loss(logits, _, labels) {
    const { gaps, others } = apart(logits);
    const inner = totalOf(labels, (t, i) => (t === 0 ? 0 : t * gaps[i]));
    return total(labels) * Math.log1p(others) - inner;
  }

  function lossGradient(logits, labels) {
    const { top, e, others } = apart(logits);
    const scale = total(labels) / (1 + others);
    const rest = totalOf(labels, (t, i) => (i === top ? 0 : t));
    return e.map((x, i) => (i === top ? rest - scale * others : x * scale - labels[i]));
  }

  function oneHot(labels, { shape }, axis) {
    const at = positive(axis, shape.length);
    const rows = rowsOf(shape, axis);
    const out = zeros(shape);
    spread(labels, shape.filter((_, a) => a !== at)).data.forEach((label, r) => {
      out.data[rows.places[r * rows.length + within(label, rows.length, "class", 0)]] = 1;
    });
    return out;
  }

  // -- choosing and moving ----------------------------------------------------------------------

  /** Return a place counted from 0, or refuse it. */
  function within(i, n, word = "place", lowest = -n) {
    if (i >= lowest && i < n) return i < 0 ? i + n : i;
    throw new Refused(`there is no ${word} ${i}: the ${word === "class" ? "classes" : "places"} are ` +
      (n === 1 ? "only 0" : `0 to ${n - 1}`));
  }

  /** Return the slices of an array at positions along an axis. */
  function select(x, axis, positions) {
    const at = positive(axis, x.shape.length);
    const shape = x.shape.map((n, a) => (a === at ? positions.length : n));
    const after = sizeOf(x.shape.slice(at + 1));
    const out = zeros(shape);
    let k = 0;
    for (let b = 0; b < sizeOf(x.shape.slice(0, at)); b++) {
      for (const position of positions) {
        const start = (b * x.shape[at] + position) * after;
        out.data.set(x.data.subarray(start, start + after), k);
        k += after;
      }
    }
    return out;
  }

  const count = (n) => [...Array(n).keys()];

  function take(p, x, indices) {
    if (p.axis == null) return take({ axis: 0 }, flat(x), indices);
    const at = positive(p.axis, x.shape.length);
    const n = x.shape[at];
    const chosen = select(x, at, Array.from(indices.data, (i) => within(i, n)));
    return reshaped(chosen, [...x.shape.slice(0, at), ...indices.shape, ...x.shape.slice(at + 1)]);
  }

  function takeAlongAxis(p, x, indices) {
    if (p.axis == null) return take(p, x, indices);
    const at = positive(p.axis, x.shape.length);
    const line = x.shape.map((n, a) => (a === at ? 1 : n));
    const strides = stridesOf(x.shape).map((step, a) => (line[a] === 1 ? 0 : step));
    const shape = broadcast([line, indices.shape]);
    const chosen = spread(indices, shape).data;
    const step = stridesOf(x.shape)[at];
    const places = walk(shape, strides);
    return gather(x, shape, places.map((place, k) => place + step * within(chosen[k], x.shape[at])));
  }

  function rolled(p, x) {
    if (p.axis == null) return reshaped(rolled({ ...p, axis: 0 }, flat(x)), x.shape);
    const axes = axesOf(p.axis, x.shape.length);
    const shifts = list(p.shift);
    return axes.reduce((moved, axis, i) => {
      const n = x.shape[axis];
      const shift = shifts[i % shifts.length];
      return select(moved, axis, count(n).map((k) => (((k - shift) % n) + n) % n));
    }, x);
  }

  function repeated(p, x) {
    if (p.axis == null) return repeated({ ...p, axis: 0 }, flat(x));
    const repeats = p.repeats.data ? [...p.repeats.data] : list(p.repeats);
    const n = x.shape[positive(p.axis, x.shape.length)];
    const often = (k) => repeats[repeats.length === 1 ? 0 : k];
    return select(x, p.axis, count(n).flatMap((k) => new Array(often(k)).fill(k)));
  }

  function concatenate(p, ...xs) {
    if (p.axis == null) return concatenate({ axis: 0 }, ...xs.map(flat));
    const at = positive(p.axis, xs[0].shape.length);
    const lengths = xs.map((x) => x.shape[at]);
    const shape = xs[0].shape.map((n, a) => (a === at ? total(lengths) : n));
    const after = sizeOf(shape.slice(at + 1));
    const out = zeros(shape);
    let k = 0;
    for (let b = 0; b < sizeOf(shape.slice(0, at)); b++) {
      for (const x of xs) {
        const block = x.shape[at] * after;
        out.data.set(x.data.subarray(b * block, (b + 1) * block), k);
        k += block;
      }
    }
    return out;
  }

  function expanded(x, axis) {
    const n = x.shape.length + list(axis).length;
    const inserted = list(axis).map((a) => positive(a, n));
    const rest = [...x.shape];
    return reshaped(x, count(n).map((a) => (inserted.includes(a) ? 1 : rest.shift())));
  }

  function squeezed(p, { shape, data }) {
    const axes = axesOf(p.axis, shape.length).filter((a) => shape[a] === 1);
    return array(shape.filter((_, a) => !axes.includes(a)), data);
  }

  function reshape(p, x) {
    const shape = list(p.shape);
    const known = sizeOf(shape.filter((n) => n !== -1));
    return reshaped(x, shape.map((n) => (n === -1 ? x.data.length / known : n)));
  }

  const swapped = (n, one, two) => {
    const axes = count(n);
    const [a, b] = [positive(one, n), positive(two, n)];
    [axes[a], axes[b]] = [b, a];
    return axes;
  };

  // -- NumPy's indices --------------------------------------------------------------------------

  /** Return where a slice starts, how many entries it has and how far apart they are. */
  function sliced([start, stop, step], n) {
    const by = step ?? 1;
    const [lowest, highest] = by > 0 ? [0, n] : [-1, n - 1];
    const clipped = (x) => Math.min(Math.max(x < 0 ? x + n : x, lowest), highest);
    const first = start == null ? (by > 0 ? lowest : highest) : clipped(start);
    const end = stop == null ? (by > 0 ? highest : lowest) : clipped(stop);
    return { first, length: Math.max(0, Math.ceil((end - first) / by)), by };
  }

  /** Return arrays of integers for an array of true and false: where it is true, axis by axis. */
  function whereTrue(mask) {
    const found = [...mask.data.keys()].filter((k) => mask.data[k]);
    return stridesOf(mask.shape).map((step, a) =>
      array([found.length], found.map((k) => Math.floor(k / step) % mask.shape[a])));
  }

  /** Return the places of an array of this shape that an index chooses, and their shape. */
  function locate(shape, index) {
    const parts = index.flatMap((x) => (x?.dtype === "bool" && x.shape.length ? whereTrue(x) : [x]));
    const fixed = parts.filter((x) => x !== null && x !== "...").length;
    const missing = shape.length - fixed;
    if (!parts.includes("...")) parts.push("...");
    const strides = stridesOf(shape);
    const arrays = parts.filter((x) => x?.shape);
    const block = broadcast([[], ...arrays.map((x) => x.shape)]);
    let chosen = new Int32Array(sizeOf(block));
    let start = 0;
    const before = [];
    const after = [];
    let groups = 0; // how many runs of arrays and numbers there are
    let open = false;
    let axis = 0;
    const keep = (n, step) => {
      (groups ? after : before).push([n, step]);
      open = false;
    };
    for (const part of parts) {
      const pick = typeof part === "number" || part?.shape;
      if (pick && arrays.length && !open) {
        groups++;
        open = true;
      }
      if (typeof part === "number") start += strides[axis] * within(part, shape[axis++]);
      else if (part?.shape) {
        const n = shape[axis];
        const step = strides[axis++];
        const own = spread(part, block).data;
        chosen = chosen.map((place, k) => place + step * within(own[k], n));
      } else if (part === null) keep(1, 0);
      else if (part === "...") {
        for (let i = 0; i < missing; i++) keep(shape[axis], strides[axis++]);
        open = false;
      } else {
        const { first, length: n, by } = sliced(part.slice, shape[axis]);
        start += first * strides[axis];
        keep(n, by * strides[axis++]);
      }
    }
    const ahead = groups > 1 ? [] : before; // arrays that stand apart come first
    const behind = groups > 1 ? [...before, ...after] : after;
    const outer = walk(ahead.map(([n]) => n), ahead.map(([, step]) => step));
    const inner = walk(behind.map(([n]) => n), behind.map(([, step]) => step));
    const places = new Int32Array(outer.length * chosen.length * inner.length);
    let k = 0;
    for (const a of outer) for (const b of chosen) for (const c of inner) {
      places[k++] = start + a + b + c;
    }
    return { places, shape: [...ahead.map(([n]) => n), ...block, ...behind.map(([n]) => n)] };
  }

  function getitem({ index }, x) {
    const { places, shape } = locate(x.shape, index);
    return gather(x, shape, places);
  }

  function put(p, x) {
    const { places, shape } = locate(p.shape, p.index);
    const out = zeros(p.shape);
    const added = spread(x, shape).data;
    places.forEach((place, k) => (out.data[place] += added[k]));
    return out;
  }

  // -- numbers ----------------------------------------------------------------------------------

  const even = (x) => {
    const down = Math.floor(x);
    const rest = x - down;
    if (!Number.isFinite(x) || rest === 0) return x;
    const up = rest > 0.5 || (rest === 0.5 && down % 2 !== 0);
    return up ? (down === -1 ? -0 : down + 1) : down;
  };

  const half = (x) => {
    if (!Number.isFinite(x) || x === 0) return x;
    const unit = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(x))), -14) - 10);
    const near = even(x / unit) * unit;
    return Math.abs(near) > 65504 ? Math.sign(x) * Infinity : near;
  };

  const power = (x, n) => {
    if (x === 1 || (x === -1 && Math.abs(n) === Infinity)) return 1; // JavaScript has NaN for some
    return x ** n;
  };

  const remainder = (x, y) => {
    const rest = x % y;
    if (rest === 0) return y < 0 ? -0 : 0;
    return (rest < 0) !== (y < 0) ? rest + y : rest;
  };

  const floorDivide = (x, y) => {
    if (y === 0) return x / y;
    return x === Infinity || x === -Infinity ? NaN : even((x - remainder(x, y)) / y);
  };

  const sigmoid = (x) => {
    const small = Math.exp(-Math.abs(x));
    return (x < 0 ? small : 1) / (1 + small);
  };

  const logAddExp = (x, y) => {
    if (x === y) return x + Math.LN2;
    return Math.max(x, y) + Math.log1p(Math.exp(-Math.abs(x - y)));
  };

  const clip = (p, x, low, high) => {
    const up = low ? each(Math.max)(p, x, low) : x;
    return high ? each(Math.min)(p, up, high) : up;
  };

  const DTYPES = {
    bool: (x) => +(x !== 0), float16: half, float32: Math.fround, float64: null,
    int64: Math.trunc, uint64: Math.trunc,
  };
  const TYPED = {
    int8: Int8Array, int16: Int16Array, int32: Int32Array,
    uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array,
  };

  /** Return an array rounded to a dtype. */
  function rounded(x, dtype) {
    const round = DTYPES[dtype];
    const data = TYPED[dtype] ? Float64Array.from(TYPED[dtype].from(x.data))
      : round ? x.data.map(round) : x.data;
    return { shape: x.shape, dtype, data };
  }

  // -- the ops ----------------------------------------------------------------------------------

  const ops = {
    absolute: each(Math.abs),
    add: each((x, y) => x + y),
    all: reduce((row) => +row.every((x) => x !== 0)),
    any: reduce((row) => +row.some((x) => x !== 0)),
    arccos: each(Math.acos),
    arccosh: each(Math.acosh),
    arcsin: each(Math.asin),
    arcsinh: each(Math.asinh),
    arctan: each(Math.atan),
    arctan2: each(Math.atan2),
    arctanh: each(Math.atanh),
    astype: (p, x) => x,
    broadcast_to: (p, x) => spread(x, list(p.shape)),
    cbrt: each(Math.cbrt),
    ceil: each(Math.ceil),
    clip,
    concatenate,
    cos: each(Math.cos),
    cosh: each(Math.cosh),
    crossentropy: (p, probs, labels) =>
      reduce((row, _, t) => -totalOf(t, (v, i) => v * Math.log(v === 0 ? 1 : row[i])))(
        p, probs, labels),
    cumprod: running((a, b) => a * b),
    cumsum: running((a, b) => a + b),
    divide: each((x, y) => x / y),
    einsum_of: einsum,
    equal: each((x, y) => +(x === y)),
    exp: each(Math.exp),
    exp2: each((x) => 2 ** x),
    expand_dims: (p, x) => expanded(x, p.axis),
    expm1: each(Math.expm1),
    flip: (p, x) => axesOf(p.axis, x.shape.length).reduce(
      (y, axis) => select(y, axis, count(x.shape[axis]).reverse()), x),
    floor: each(Math.floor),
    floor_divide: each(floorDivide),
    getitem,
    greater: each((x, y) => +(x > y)),
    greater_equal: each((x, y) => +(x >= y)),
    hypot: each(Math.hypot),
    isfinite: each((x) => +Number.isFinite(x)),
    isinf: each((x) => +(Math.abs(x) === Infinity)),
    isnan: each((x) => +Number.isNaN(x)),
    isneginf: each((x) => +(x === -Infinity)),
    isposinf: each((x) => +(x === Infinity)),
    less: each((x, y) => +(x < y)),
    less_equal: each((x, y) => +(x <= y)),
    log: each(Math.log),
    log10: each(Math.log10),
    log1p: each(Math.log1p),
    log2: each(Math.log2),
    log_softmax: maskable(logSoftmax, -Infinity),
    logaddexp: each(logAddExp),
    logical_and: each((x, y) => +(x !== 0 && y !== 0)),
    logical_not: each((x) => +(x === 0)),
    logical_or: each((x, y) => +(x !== 0 || y !== 0)),
    logical_xor: each((x, y) => +((x !== 0) !== (y !== 0))),
    logsumexp: logSumExpOf,
    look_through: (p, logits) => logits,
    matmul,
    max: extreme(Math.max),
    maximum: each(Math.max),
    mean: reduce(average),
    min: extreme(Math.min),
    minimum: each(Math.min),
    multiply: each((x, y) => x * y),
    negative: each((x) => -x),
    not_equal: each((x, y) => +(x !== y)),
    power: each(power),
    prod: reduce((row) => row.reduce((a, b) => a * b, 1)),
    put,
    reciprocal: each((x) => 1 / x),
    relu: each((x) => Math.max(x, 0)),
    remainder: each(remainder),
    repeat: repeated,
    reshape,
    roll: rolled,
    round: (p, x) => {
      const unit = 10 ** Math.abs(p.decimals);
      return each(p.decimals < 0 ? (v) => even(v / unit) * unit : (v) => even(v * unit) / unit)(p, x);
    },
    sech2: each((x) => {
      const e = Math.exp(-2 * Math.abs(x));
      return (4 * e) / (1 + e) ** 2;
    }),
    sigmoid: each(sigmoid),
    sign: each(Math.sign),
    signbit: each((x) => +(x < 0 || Object.is(x, -0))),
    sin: each(Math.sin),
    sinh: each(Math.sinh),
    softmax: maskable(softmax, 0),
    softmax_cross_entropy: (p, labels, logits) =>
      reduce(loss)(p, logits, spread(labels, logits.shape)),
    softmax_minus_labels: (p, labels, logits) =>
      along(lossGradient)(p, logits, spread(labels, logits.shape)),
    softmax_minus_one_hot: (p, labels, logits) =>
      along(lossGradient)(p, logits, oneHot(labels, logits, p.axis)),
    sparse_softmax_cross_entropy: (p, labels, logits) =>
      reduce(loss)(p, logits, oneHot(labels, logits, p.axis)),
    sqrt: each(Math.sqrt),
    square: each((x) => x * x),
    squeeze: squeezed,
    stack: (p, ...xs) => concatenate(
      { axis: positive(p.axis, xs[0].shape.length + 1) },
      ...xs.map((x) => expanded(x, positive(p.axis, x.shape.length + 1)))),
    std: reduce((row, p) => Math.sqrt(variance(row, p))),
    subtract: each((x, y) => x - y),
    sum: reduce(total),
    sum_to: sumTo,
    swapaxes: (p, x) => transposed(x, swapped(x.shape.length, p.axis1, p.axis2)),
    take,
    take_along_axis: takeAlongAxis,
    tan: each(Math.tan),
    tanh: each(Math.tanh),
    transpose: (p, x) => transposed(
      x, p.axes == null ? count(x.shape.length).reverse() : axesOf(p.axes, x.shape.length)),
    var: reduce(variance),
    vector_norm: reduce(length),
    where: each((condition, x, y) => (condition ? x : y)),
  };

  return { ops, read, rounded, same, Refused };
})();
