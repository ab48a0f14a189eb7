// What a model of numbers looks like: its weights, and what it decides over two inputs.
"use strict";

/** Cells in the colours of the picture: a path for each colour, which the theme's rules know. */
class HeatMap {
  /** `place(x, top)` says which of the colours a number has. */
  constructor(height, width, heat, place = (x, top) => level(x, top, (heat.length - 1) / 2)) {
    Object.assign(this, { width, heat, place });
    this.svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", class: "heatmap", "shape-rendering": "crispEdges" });
    this.paths = heat.map(([fill]) => shape("path", { fill, "stroke-width": 0 }));
    this.svg.append(...this.paths);
  }

  paint(data, top) {
    const parts = this.heat.map(() => []);
    data.forEach((x, k) => {
      parts[this.place(x, top)]?.push(`M${k % this.width} ${Math.floor(k / this.width)}h1v1h-1z`);
    });
    this.paths.forEach((path, k) => path.setAttribute("d", parts[k].join("")));
  }
}

/** The weights as pictures: a matrix, or one image for each column that is a square. */
class Weights {
  constructor({ weights, live }, heat) {
    this.pictures = weights.map(({ name, number }) => {
      const seesInputs = productsIn(live.program).some(({ in: [x, y] }) => y === number && !live.program.entries[x].op);
      const { shape: lengths, data } = live.values[number];
      const [height, width] = tableShape(lengths);
      const side = Math.sqrt(height);
      const isImages = seesInputs && Number.isInteger(side) && side >= 4 && width <= 64;
      const maps = isImages ? [...Array(width).keys()].map(() => new HeatMap(side, side, heat)) : [new HeatMap(height, width, heat)];
      for (const { svg } of maps) {
        const cell = isImages ? 48 / side : Math.max(2, Math.min(18, 200 / Math.max(height, width)));
        svg.style.width = `${cell * (isImages ? side : width)}px`;
      }
      const columns = isImages ? maps.map((_, j) => [...Array(height).keys()].map((i) => i * width + j)) : [[...data.keys()]];
      const of = isImages ? `${width} columns of ${side} × ${side}` : lengths.join(" × ");
      const caption = element("figcaption", {}, element("b", {}, name), of ? ` ${of}` : "");
      return { name, number, maps, columns, part: element("figure", {}, caption, element("div", { class: "maps" }, ...maps.map((map) => map.svg))) };
    });
    this.parts = this.pictures.map(({ part }) => part);
  }

  paint(values) {
    for (const { name, number, maps, columns } of this.pictures) {
      const { data } = values[number];
      const top = data.reduce((a, x) => (Number.isFinite(x) ? Math.max(a, Math.abs(x)) : a), 0);
      maps.forEach((map, j) => {
        map.paint(columns[j].map((place) => data[place]), top);
        map.svg.setAttribute("aria-label", `${name}${maps.length > 1 ? `, column ${j}` : ""}: ${inWords({ ...values[number], data: Float64Array.from(columns[j], (p) => data[p]), shape: [columns[j].length] })}`);
      });
    }
  }
}

/** Return the calls that multiply matrices. */
function productsIn(program) {
  return program.entries.filter(({ op }) => ["matmul", "dot", "inner"].includes(op));
}

/**
 * Find what a model of two inputs decides: the entry of the inputs, two for each example; that of the
 * labels, or null; and that of the last tensor which follows from the inputs alone, without labels.
 */
function surfaceIn({ live, weights }) {
  const { entries, leaves, tensors } = live.program;
  const given = leaves.map(({ number }) => number).filter((number) => !weights.some((w) => w.number === number));
  const shapeOf = (number) => live.first[number]?.shape ?? [];
  const points = productsIn(live.program).map((call) => call.in[0]).find((x) =>
    given.includes(x) && shapeOf(x).length === 2 && shapeOf(x)[1] === 2);
  if (points === undefined) return null;
  const [count] = shapeOf(points);
  const labels = given.filter((number) => number !== points && shapeOf(number)[0] === count);
  const following = (numbers) => {
    const reached = new Set(numbers);
    entries.forEach((entry, k) => { if (inputsOf(entry).some((i) => reached.has(i))) reached.add(k); });
    return reached;
  };
  const [fromPoints, fromLabels] = [following([points]), following(labels)];
  const scores = tensors.map(({ number }) => number).filter((number) => number !== points &&
    fromPoints.has(number) && !fromLabels.has(number) && shapeOf(number)[0] === count && shapeOf(number).length <= 2);
  return scores.length ? { points, labels: labels[0] ?? null, scores: scores[scores.length - 1] } : null;
}

const SIDE = 32; // cells of a surface in each direction
const CLASSES = ["#b35806", "#542788", "#0b62a8", "#1f6b3a", "#a51d1d", "#8a5a00", "#566071", "#99405f"];

/** What the model decides over the plane of its two inputs, and the examples in it. */
class Surface {
  constructor({ points, scores, labels }, live, heat) {
    Object.assign(this, { points, scores, live });
    const { data, shape: [count] } = live.values[points];
    this.count = count;
    this.x = [...Array(count).keys()].map((i) => [data[2 * i], data[2 * i + 1]]);
    this.limits = [0, 1].map((a) => {
      const [low, high] = [Math.min(...this.x.map((p) => p[a])), Math.max(...this.x.map((p) => p[a]))];
      const margin = 0.25 * (high - low) || 1;
      return [low - margin, high + margin];
    });
    this.grid = [...Array(SIDE * SIDE).keys()].map((k) => [
      this.between(0, ((k % SIDE) + 0.5) / SIDE), this.between(1, 1 - (Math.floor(k / SIDE) + 0.5) / SIDE)]);
    const width = tableShape(live.values[scores].shape.length === 1 ? [count, 1] : live.values[scores].shape)[1];
    this.classes = Math.max(width, 2);
    this.truth = labels === null ? null : classesOf(live.values[labels], count);
    this.map = this.classes === 2 ? new HeatMap(SIDE, SIDE, heat) : new HeatMap(SIDE, SIDE, CLASSES.map((colour) => [colour]), (k) => k % CLASSES.length);
    this.map.svg.setAttribute("class", "heatmap surface");
    if (this.classes > 2) this.map.paths.forEach((path) => path.setAttribute("fill-opacity", 0.45));
    this.map.svg.append(...this.examples());
    this.note = element("figcaption", {});
    this.part = element("figure", {}, this.note, this.map.svg);
    this.isFree = this.rowsAreFree();
  }

  between(axis, share) {
    const [low, high] = this.limits[axis];
    return low + share * (high - low);
  }

  examples() {
    return this.x.slice(0, 500).map((point, i) => {
      const [x, y] = [0, 1].map((a) => ((point[a] - this.limits[a][0]) / (this.limits[a][1] - this.limits[a][0])) * SIDE);
      const fill = this.truth ? CLASSES[this.truth[i] % CLASSES.length] : "#566071";
      const mark = shape("circle", { cx: x, cy: SIDE - y, r: this.count > 40 ? 0.5 : 1.1, fill, class: "example" });
      if (this.count > 40 || !this.truth) return mark;
      return shape("g", {}, mark, shape("text", { x, y: SIDE - y + 0.55, "text-anchor": "middle", class: "class" }, String(this.truth[i])));
    });
  }

  /** Return the scores of points, as many at a time as the model has examples. */
  scoresAt(points, values) {
    const rows = [];
    for (let start = 0; start < points.length; start += this.count) {
      const batch = [...Array(this.count).keys()].map((i) => points[Math.min(start + i, points.length - 1)]);
      const x = { ...values[this.points], data: Float64Array.from(batch.flat()) };
      const { data } = followed(this.live, values, new Map([[this.points, x]]), this.scores)[this.scores];
      const width = data.length / this.count;
      for (let i = 0; i < Math.min(this.count, points.length - start); i++) rows.push(data.slice(i * width, (i + 1) * width));
    }
    return rows;
  }

  // Whether each row of scores follows from its own row of inputs: not so with batch normalisation.
  rowsAreFree() {
    const backward = this.scoresAt([...this.x].reverse(), this.live.values).reverse();
    const forward = this.scoresAt(this.x, this.live.values);
    const alone = this.scoresAt([this.x[0]], this.live.values);
    return forward.every((row, i) => row.every((s, j) => near(s, backward[i][j]))) &&
      alone[0].every((s, j) => near(s, forward[0][j]));
  }

  paint(values) {
    if (!this.isFree) {
      this.note.textContent = "The rows of a batch depend on each other here, so the model does not decide for a single point.";
      this.map.svg.remove();
      return;
    }
    const isShare = (rows) => rows.every((row) => row.length > 1 || (row[0] >= 0 && row[0] <= 1));
    const own = this.scoresAt(this.x, values);
    const asShare = isShare(own);
    const decided = (row) => sharesOf(row, asShare);
    const shares = this.scoresAt(this.grid, values).map(decided);
    this.map.paint(shares.map((p) => (this.classes === 2 ? p[1] - p[0] : best(p))), 1);
    const right = this.truth ? own.filter((row, i) => best(decided(row)) === this.truth[i]).length : null;
    const text = right === null ? "what the model decides" : `${right} of ${this.count} examples right`;
    this.note.replaceChildren(element("b", {}, "Decision"), ` ${text}`);
    this.map.svg.setAttribute("aria-label", `What the model decides over its two inputs: ${text}. ` +
      `Across from ${printed(this.limits[0][0])} to ${printed(this.limits[0][1])}, up from ${printed(this.limits[1][0])} to ${printed(this.limits[1][1])}.`);
  }
}

const near = (a, b) => Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a)) || Object.is(a, b);
const best = (row) => row.indexOf(Math.max(...row));

/** Return the shares of the classes: from probabilities, their logarithms, logits, or one score. */
function sharesOf(row, isShare) {
  if (row.length === 1) {
    const p = isShare ? row[0] : 1 / (1 + Math.exp(-row[0]));
    return [1 - p, p];
  }
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  if (row.every((x) => x >= 0) && Math.abs(sum(row) - 1) < 1e-6) return [...row];
  const top = Math.max(...row);
  const powers = [...row].map((x) => Math.exp(x - top));
  return powers.map((x) => x / sum(powers));
}

/** Return the class of each example, from class numbers, rows of labels, or two values. */
function classesOf({ data, dtype }, count) {
  const width = data.length / count;
  if (width > 1) return [...Array(count).keys()].map((i) => best([...data.slice(i * width, (i + 1) * width)]));
  if (!dtype.startsWith("float") && data.every((x) => x >= 0)) return [...data];
  const middle = (Math.min(...data) + Math.max(...data)) / 2;
  return [...data].map((x) => Number(x > middle));
}
