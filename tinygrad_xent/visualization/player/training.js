// Train on in the page: each weight becomes weight - rate * gradient, and everything follows.
"use strict";

/** Return the values that follow from new arrays, up to entry `last`; see Live.rerun for one. */
function followed(live, values, changes, last = Infinity) {
  const result = [...values];
  const waiting = new Set();
  const change = (k, array) => {
    result[k] = array;
    live.users[k].forEach((user) => waiting.add(user));
  };
  changes.forEach((array, k) => change(k, array));
  for (let k = 0; waiting.size && k < result.length && k <= last; k++) {
    if (waiting.delete(k)) change(k, live.computed(live.program.entries[k], result, false));
  }
  return result;
}

class Trainer {
  constructor({ program, weights, output }) {
    this.live = new Live(program);
    this.weights = weights.map((number) => program.tensors.find((tensor) => tensor.number === number));
    this.output = output;
    this.values = this.live.values;
  }

  get loss() {
    return this.values[this.output]?.data[0] ?? NaN;
  }

  /** Put numbers into the weights: a list of them for each. */
  put(numbers) {
    const changes = this.weights.map(({ number }, k) =>
      [number, { ...this.live.first[number], data: Float64Array.from(numbers[k], numberOf) }]);
    this.values = followed(this.live, this.live.first, new Map(changes));
  }

  /** Take one step, or return a word why not. */
  step(rate) {
    const changes = new Map();
    for (const { number, gradient } of this.weights) {
      const [w, g] = [this.values[number], this.values[gradient]];
      if (!g) return "a gradient is computed by an op whose function this page does not know";
      const round = (data) => functions.rounded({ ...w, data }, w.dtype).data;
      const [narrow] = functions.rounded({ shape: [1], data: Float64Array.of(rate) }, w.dtype).data;
      const move = round(g.data.map((x) => narrow * x));
      changes.set(number, { ...w, data: round(w.data.map((x, k) => x - move[k])) });
    }
    const values = followed(this.live, this.values, changes);
    const other = this.live.program.conditions.find(({ number, was }) =>
      values[number] && Boolean(values[number].data[0]) !== was);
    if (other) return `the rule of ${other.op} would go another way, which this page does not know`;
    this.values = values;
    return Number.isFinite(this.loss) ? "" : `the loss is ${printed(this.loss)}. Try a smaller learning rate`;
  }

  /** Draw new weights, as large as the first ones; those that were 0 stay so. */
  draw(seed) {
    const normal = normals(seed);
    this.put(this.weights.map(({ number }) => {
      const { data } = this.live.first[number];
      const size = Math.sqrt(data.reduce((a, x) => a + x * x, 0) / data.length);
      return data.map(() => size * normal());
    }));
  }

  /** Return the learning rate that led from weights to the next ones, or null if none did. */
  rateBetween(before, after) {
    this.put(before);
    const rates = this.weights.flatMap(({ gradient }, k) => [...this.values[gradient]?.data ?? []].map((g, i) =>
      Math.abs(g) > 1e-9 ? (numberOf(before[k][i]) - numberOf(after[k][i])) / g : null)).filter((rate) => rate !== null);
    const rate = Number(rates[0]?.toPrecision(3));
    const isOne = rate > 0 && rates.every((each) => Math.abs(each - rate) <= 1e-3 * rate);
    return isOne ? rate : null;
  }
}

/** Return a source of normal numbers, the same ones for the same seed. */
function normals(seed) {
  let state = seed >>> 0;
  const uniform = () => { // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

/**
 * Return the controls to train on. `from()` is the step that is shown and its weights; `moved(step)`
 * is called after each step that was taken here.
 */
function trainingControls(trainer, rate, { from, moved }) {
  const field = (label, value, title) => {
    const input = element("input", { type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false", value, title });
    return [input, element("label", {}, label, input)];
  };
  const [speed, speedLabel] = field("Learning rate", rate === null ? "0.1" : String(rate), "w becomes w − learning rate × gradient");
  const [seed, seedLabel] = field("Seed", "", "a whole number draws new weights; empty: those of step 1");
  const word = element("span", { class: "hint", role: "alert" });
  const train = button("Train", ICONS.play, toggle);
  const one = button("One step", ICONS.next, () => { stop(); take(1); });
  const again = button("Start again", ICONS.first, restart);
  let [timer, at] = [null, null]; // at: the number of the last step taken here
  return { part: element("div", { class: "modes train", role: "group", "aria-label": "train on in this page" },
    one, train, again, speedLabel, seedLabel, word), leave };

  function begin() {
    if (at !== null) return;
    const { step, weights } = from();
    trainer.put(weights);
    at = step;
  }

  /** Take some steps; return whether all of them were. */
  function take(count) {
    const size = numberIn(speed);
    if (!(size > 0)) return say(`Type a learning rate above 0, such as ${rate ?? 0.1}.`, speed);
    begin();
    say("", speed);
    for (let k = 0; k < count; k++) {
      const wrong = trainer.step(size);
      if (wrong && Number.isFinite(trainer.loss)) return say(`Training stopped: ${wrong}.`, speed);
      moved((at += 1), k === count - 1 || Boolean(wrong));
      if (wrong) return say(`Training stopped at step ${at}: ${wrong}.`, speed);
    }
    return true;
  }

  function toggle() {
    if (timer) return stop();
    if (!take(1)) return undefined;
    let pace = 1; // steps from one picture to the next: as many as the machine takes at ease
    timer = setInterval(() => {
      const start = performance.now();
      if (!take(pace)) return stop();
      pace = performance.now() - start > 50 ? Math.ceil(pace / 2) : Math.min(pace + 1, 20);
      return undefined;
    }, 60);
    label(train, "Pause", ICONS.pause);
    return undefined;
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    label(train, "Train", ICONS.play);
  }

  function restart() {
    stop();
    const drawn = seed.value.trim();
    if (drawn && !/^\d{1,9}$/.test(drawn)) return say("Type a whole number as seed, such as 7, or nothing.", seed);
    say("", seed);
    if (drawn) trainer.draw(Number(drawn));
    else trainer.values = trainer.live.first;
    at = 1;
    return moved(at, true, true);
  }

  // Back to the recorded steps.
  function leave() {
    stop();
    at = null;
  }

  function say(text, input) {
    word.textContent = text;
    input.setAttribute("aria-invalid", Boolean(text));
    return !text;
  }
}

function numberIn(input) {
  const typed = input.value.trim().replace(",", ".");
  return /^\+?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(typed) ? Number(typed) : NaN;
}

function label(control, text, path) {
  control.querySelector("span").textContent = text;
  control.querySelector("path").setAttribute("d", path);
}
