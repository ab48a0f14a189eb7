// The loss over the steps: as it was recorded, and as it goes on in the page.
"use strict";

const CURVE = { width: 520, height: 230, left: 56, right: 12, top: 26, bottom: 34 };

class Curve {
  /** `losses` has pairs of step and loss; `choose(step)` is called where somebody clicks. */
  constructor(losses, choose) {
    this.recorded = losses.map(([step, loss]) => [step, numberOf(loss)]);
    this.more = [];
    const { width, height } = CURVE;
    this.svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", class: "losses" });
    this.svg.addEventListener("click", (event) => {
      const frame = this.svg.getBoundingClientRect();
      choose(this.stepAt(((event.clientX - frame.left) / frame.width) * width));
    });
    const positive = this.recorded.map(([, loss]) => loss).filter((loss) => Number.isFinite(loss));
    const spans = Math.max(...positive) >= 100 * Math.min(...positive);
    this.log = element("input", { type: "checkbox", onchange: () => this.paint() });
    this.log.checked = Math.min(...positive) > 0 && spans;
    this.part = element("div", { class: "curve" }, this.svg,
      element("label", { class: "log" }, this.log, "logarithmic"));
  }

  get points() {
    return [...this.recorded, ...this.more];
  }

  /** Paint all points, and mark one of them. */
  paint(now = this.now) {
    this.now = now;
    const finite = this.points.map(([, loss]) => loss).filter(Number.isFinite);
    const shown = this.log.checked ? finite.filter((loss) => loss > 0) : [...finite, 0];
    const [low, high] = shown.length ? [Math.min(...shown), Math.max(...shown)] : [0, 1];
    this.range = { first: 1, last: Math.max(2, ...this.points.map(([step]) => step)), low, high: high > low ? high : low * 2 || 1 };
    const [x, y] = this.place(now);
    const { width, left, right, top, height, bottom } = CURVE;
    this.svg.replaceChildren(
      ...this.marks().flatMap(([loss, text]) => {
        const down = this.place([1, loss])[1];
        return [shape("path", { class: "hair", d: `M${left} ${down}H${width - right}` }),
          shape("text", { x: left - 8, y: down + 4, "text-anchor": "end" }, text)];
      }),
      ...between(1, this.range.last).filter((step) => step >= 1 && Number.isInteger(step)).map((step) =>
        shape("text", { x: this.place([step, low])[0], y: height - bottom + 18, "text-anchor": "middle" }, String(step))),
      shape("text", { x: left, y: 16 }, this.log.checked ? "loss, logarithmic" : "loss"),
      shape("text", { x: width - right, y: height - 4, "text-anchor": "end" }, "step"),
      shape("path", { class: "line", d: this.path(this.recorded) }),
      shape("path", { class: "line more", d: this.path(this.more) }),
      ...this.bad(),
      shape("path", { class: "now", d: `M${x} ${top - 6}V${height - bottom}` }),
      shape("circle", { class: "now", cx: x, cy: y, r: 5 }),
    );
    const [first, last] = [this.points[0], this.points[this.points.length - 1]];
    this.svg.setAttribute("aria-label", `Loss over the steps ${first[0]} to ${last[0]}: ` +
      `${printed(first[1])} at first, ${printed(last[1])} in the end. Step ${now[0]} has ${printed(now[1])}.`);
  }

  place([step, loss]) {
    const { width, height, left, right, top, bottom } = CURVE;
    const { first, last, low, high } = this.range;
    const scale = this.log.checked ? Math.log : (value) => value;
    const share = Number.isFinite(loss) ? (scale(Math.max(loss, low)) - scale(low)) / (scale(high) - scale(low)) : 1;
    const across = left + ((step - first) / (last - first)) * (width - left - right);
    return [across, height - bottom - share * (height - top - bottom)].map((c) => Math.round(c * 10) / 10);
  }

  stepAt(x) {
    const { width, left, right } = CURVE;
    return 1 + ((x - left) / (width - left - right)) * (this.range.last - 1);
  }

  path(points) {
    let pen = "M";
    return points.map((point) => {
      const drawn = Number.isFinite(point[1]) && (!this.log.checked || point[1] > 0);
      const text = drawn ? `${pen}${this.place(point).join(" ")}` : "";
      pen = drawn ? "L" : "M";
      return text;
    }).join("");
  }

  // The first loss that is no number has a word.
  bad() {
    const found = this.points.find(([, loss]) => !Number.isFinite(loss));
    if (!found) return [];
    const [x, y] = this.place(found);
    const end = x > CURVE.width / 2;
    return [shape("text", { class: "alarm", x: x + (end ? -4 : 4), y: y + 12, "text-anchor": end ? "end" : "start" },
      `${printed(found[1])} from step ${found[0]}`)];
  }

  marks() {
    const { low, high } = this.range;
    if (!this.log.checked) return between(low, high).map((loss) => [loss, printed(loss)]);
    const powers = [];
    for (let p = Math.floor(Math.log10(low)); p <= Math.log10(high); p++) {
      for (const digit of high / low < 100 ? [1, 2, 5] : [1]) powers.push(Number(`${digit}e${p}`));
    }
    const inside = powers.filter((loss) => loss >= low * 0.999 && loss <= high * 1.001);
    const every = Math.ceil(inside.length / 6);
    return inside.filter((_, k) => k % every === 0).map((loss) => [loss, printed(loss)]);
  }
}

/** Return about four round numbers between two. */
function between(low, high) {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const [step] = [1, 2, 5, 10].map((k) => power * k).sort((a, b) => Math.abs(a - rough) - Math.abs(b - rough));
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return [...Array(count).keys()].map((k) => Number(((first + k) * step).toPrecision(12)));
}

function numberOf(x) {
  return { inf: Infinity, "-inf": -Infinity }[x] ?? Number(x);
}
