// The player. It is given all steps as data (see player.py), and a program (see live/program.py) that
// computes their numbers anew when one is changed.

function player(root, data, picture) {
  const count = data.forward.length + data.backward.length;
  const graph = new Graph(picture, data);
  const details = element("div", { class: "details", tabindex: 0, role: "group", "aria-label": "this step" });
  const pane = element("div", { class: "graph", tabindex: 0, role: "group", "aria-label": "graph" }, picture);
  const viewer = new Viewer(pane, picture, data.view, { isAlone: false });
  const status = element("p", { class: "hidden", role: "status" });
  const score = element("span", { class: "score" });
  const banner = element("p", { class: "banner", hidden: true });
  const answers = new Map(); // by step: the answer that settled it, and whether it was right
  const firsts = new Map(); // by step: whether the first answer was right
  const again = element("button", { type: "button", hidden: true, onclick: restart }, "Start again");
  const mode = { predict: false, wrong: false };
  let seen = null; // the step that was scrolled to
  const live = data.live ? new Live(data.live.program) : null;
  root.host.live = live; // for readers of the page's numbers
  const edit = live ? new Editor(live, data.live, changed, (number, place) => point(number, place)) : null;
  const why = live ? new Why(live, data.live, graph) : null;
  const lines = live ? new numbers.Lines(data.live) : null;
  const places = new Map(); // by step: the entry that was clicked, to be written out in numbers

  const stepper = new Stepper(count, show, 1600);
  const predict = element("input", { type: "checkbox", onchange: () => choose("predict", predict.checked) });
  const wrong = element("input", { type: "checkbox", onchange: () => choose("wrong", wrong.checked) });

  const view = element("section", { class: "view", "aria-label": `backpropagation from ${data.name}` },
    element("div", { class: "controls" }, ...stepper.buttons,
      element("div", { class: "track" }, stepper.slider,
        element("div", { class: "phases", "aria-hidden": "true" },
          part("forward", data.forward.length), part("backward", data.backward.length))),
      stepper.counter),
    element("div", { class: "modes" },
      element("label", {}, predict, "Predict first"),
      element("label", {}, wrong, "Wrong order"), again, score),
    banner,
    element("div", { class: "stage" }, element("div", { class: "graphs" }, viewer.tools, viewer.part,
      graph.legend), details),
    live ? element("div", { class: "beside" }, edit.part, why.part) : null,
    element("p", { class: "key" },
      swatch("solid", "at work"), swatch("dashed", "receives"),
      "✓ gradient complete · 1/2 one contribution of two · ≠ wrong in the end", element("br", {}),
      "Keys: ← → Home End, space plays. Click a tensor to go to its next step and to see its paths, a number to see where it comes from."),
    status,
  );
  root.append(view);
  stepper.listen(view, data.alone);
  view.addEventListener("keydown", (event) => viewer.key(event));
  listen();
  stepper.go(data.last ? count - 1 : 0);
  if (live && data.address) edit.followAddress();

  // Listen to clicks in the picture, and to drags.
  function listen() {
    const go = (id) => {
      stepper.stop();
      stepper.go(nextStepOf(id));
      const k = live ? why.tensors.findIndex(({ number }) => why.boxOf.get(number) === id) : -1;
      if (k >= 0 && !mode.predict) why.show("paths", k);
    };
    const isHidden = (id, kind) => mode.predict || graph.boxes.get(id).classList.contains(kind === "value" ? "unknown" : "waiting");
    if (live) touchable(graph, live, edit, why, isHidden, go);
    else for (const [id, box] of graph.boxes) box.addEventListener("click", () => go(id));
  }

  // Outline in the picture a number whose field was chosen.
  function point(number, place) {
    const box = Object.keys(data.live.boxes).find((id) => data.live.boxes[id][0] === number);
    if (box) graph.mark(box, "value", place);
  }

  function isChanged() {
    return live !== null && live.values !== live.first;
  }

  // Whether a number that stands in the formula itself was changed.
  function isStale({ box }) {
    return isChanged() && data.live.lines.some(([entry, id]) => id === box && live.values[entry] !== live.first[entry]);
  }

  function changed() {
    places.clear();
    paint();
    why.refresh();
    forget();
    stepper.go(stepper.at);
    if (data.address) edit.writeAddress();
  }

  // Paint the numbers of the picture; in a wrong order the gradients are what has arrived in the end.
  function paint() {
    if (!live) return graph.useWrong(mode.wrong);
    graph.useWrong(mode.wrong && !isChanged());
    const totals = new Map();
    if (mode.wrong && data.wrong) data.wrong.steps.forEach(({ to }, k) => totals.set(to, live.program.others[k][3]));
    graph.follow(isChanged() ? live : null, totals);
  }

  function part(name, length) {
    const span = element("span", {}, name);
    span.style.flexGrow = length;
    return span;
  }

  function swatch(kind, text) {
    return element("span", { class: "swatch" }, element("i", { class: kind }), text);
  }

  function steps() {
    return [...data.forward, ...(mode.wrong && data.wrong ? data.wrong.steps : data.backward)];
  }

  function asks(at) {
    const { ask } = steps()[at];
    return mode.predict && ask !== null && ask !== undefined && !answers.has(at);
  }

  function choose(name, on) {
    stepper.stop();
    mode.predict = name === "predict" && on;
    mode.wrong = name === "wrong" && on;
    predict.checked = mode.predict;
    wrong.checked = mode.wrong;
    banner.hidden = !mode.wrong;
    banner.replaceChildren(data.wrong
      ? `Wrong order (${data.wrong.name}): a tensor sends its gradient on as soon as it is reached, without waiting for the rest.`
      : "The order does not matter in this graph: no tensor that sends a gradient on gets its own from two places.");
    if (why) why.part.hidden = mode.predict; // it would tell the answers
    paint();
    tally();
    stepper.go(stepper.at);
  }

  // Count the first answers, in all and for each op.
  function tally() {
    const of = (steps) => `${steps.filter(([, right]) => right).length} of ${steps.length}`;
    const all = [...firsts];
    const ops = [...new Set(all.map(([at]) => steps()[at].op))].sort();
    const each = ops.map((op) => `${op} ${of(all.filter(([at]) => steps()[at].op === op))}`);
    score.textContent = mode.predict ? `${of(all)} right${ops.length > 1 ? `: ${each.join(", ")}` : ""}` : "";
    again.hidden = !mode.predict || !all.length;
  }

  function restart() {
    forget();
    stepper.go(data.forward.length);
    details.querySelector("input")?.focus();
  }

  function forget() {
    answers.clear();
    firsts.clear();
    tally();
  }

  function nextStepOf(id) {
    const all = steps();
    const places = all.map((_, k) => (stepper.at + 1 + k) % all.length);
    return places.find((k) => all[k].box === id || all[k].to === id) ?? stepper.at;
  }

  // -- one step ---------------------------------------------------------------------------------

  function show(at) {
    const all = steps();
    const step = all[at];
    const backward = at >= data.forward.length;
    const asked = asks(at);
    graph.show(all, at, data.forward.length, asked);
    const isNew = at !== seen; // after a change the same step stays where it is
    seen = at;
    if (isNew) reveal(pane, viewer.shown(graph.active));
    details.replaceChildren(...(backward ? backwardStep(step, at, asked) : forwardStep(step, at)).filter(Boolean));
    if (isNew) details.scrollTo(0, 0);
    const phase = backward ? "backward" : "forward";
    const numbers = asked ? "Predict it." : isChanged() ? inWords(live.values[step.sent[2]]) : step.brief;
    stepper.slider.setAttribute("aria-valuetext", `${at + 1} of ${count}, ${phase}`);
    status.textContent = `Step ${at + 1} of ${count}, ${phase}. ${spoken(step.say)} ${numbers}`;
    if (asked) stepper.stop();
  }

  function heading(step, phase) {
    return element("p", { class: "say" }, element("span", { class: "phase" }, phase), " ", ...sentence(step.say));
  }

  function shown([caption, recorded, entry], options) {
    if (!isChanged()) return table(sentence(caption), recorded, data.heat, options);
    const array = entry === null ? undefined : live.values[entry];
    return array === undefined ? "" : table(sentence(caption), windowOf(array), data.heat, options);
  }

  // Show what comes out of a step: a click on an entry writes that one out in numbers.
  function result(step, at, hide = false) {
    const array = live?.values[step.sent[2]];
    const onpick = array && !hide && ((row, column) => {
      places.set(at, cellsOf(array)[row][column]);
      stepper.go(at);
    });
    return shown(step.sent, { mark: focus(step, at).cell, hide, onpick });
  }

  // Return which entry of a step's result is pointed at: the one that was clicked, or the largest.
  function focus(step, at) {
    const array = live?.values[step.sent[2]];
    if (!array || (!isChanged() && !places.has(at))) return { index: step.at, cell: step.cell };
    const place = places.get(at) ?? largestOf(array);
    const cell = array.data.length > 1 ? cellAt(array, place) : [];
    return { index: numbers.indexOf(array.shape, place), cell };
  }

  // Return the formula with the numbers of one entry.
  function withNumbers(step, at) {
    if (!live?.values[step.sent[2]]) return null;
    const [k, { index }, isChosen] = [indexOf(step.box), focus(step, at), places.has(at)];
    return lineOf(step.to ? backLine(step, at, k, index, isChosen) : lines.forward(live.values, k, index, isChosen));
  }

  function backLine(step, at, k, place, isChosen) {
    const { events, others, tensors } = live.program;
    const [from, to] = [k, indexOf(step.to)].map((j) => tensors[j].number);
    const event = events.filter((each) => each[0] === from && each[2] === to)[step.arrow];
    const late = mode.wrong && data.wrong ? others[at - data.forward.length] : [tensors[k].gradient, event[3], event[4]];
    return lines.backward(live.values, k, event, late, place, isChosen);
  }

  function indexOf(box) {
    return Number(box.slice(1));
  }

  // Return a sentence whose numbers are those after a change.
  function now(parts) {
    return parts?.map((part) => (part.text === undefined ? part
      : isChanged() && part.entry !== null ? inWords(live.values[part.entry]) : part.text));
  }

  function row(...things) {
    return element("div", { class: "tables" }, ...things);
  }

  // A sign is never parted from what follows it, and takes no room beside a wide table.
  function after(text, thing) {
    if (!text || !thing) return thing;
    const sign = element("span", { class: "sign" }, text);
    if (!thing.querySelector(".wide")) return element("div", { class: "after" }, sign, thing);
    thing.querySelector("caption").prepend(sign, " ");
    return thing;
  }

  function note(parts, kind = "note") {
    return parts && parts.length ? element("p", { class: kind }, ...sentence(now(parts))) : null;
  }

  function forwardStep(step, at) {
    return [
      heading(step, "Forward"),
      note(step.aside),
      formula(isStale(step) ? "" : step.formula, "formula"),
      step.given ? withNumbers(step, at) : null,
      row(...(step.given ?? []).map((given) => shown(given)),
        after(step.given ? "→" : "", result(step, at))),
    ];
  }

  function backwardStep(step, at, asked) {
    const last = at === count - 1;
    const adding = step.total && !asked;
    return [
      heading(step, "Backward"),
      at === data.forward.length ? note(step.start) : null,
      ...(step.notes ?? []).map((parts) => note(parts, "bad")),
      formula(isStale(step) ? "" : step.formula, "formula"),
      asked ? null : withNumbers(step, at),
      row(...step.given.map((given) => shown(given)), shown(step.grad),
        step.unsummed && !asked ? after("→", shown(step.unsummed)) : "", after("→", result(step, at, asked))),
      asked ? question(step, at) : answer(at),
      asked ? null : note(arrival(step)),
      adding ? row(shown(step.before), after("+", shown(step.sent)), after("=", shown(step.total))) : null,
      step.right ? row(shown(step.right)) : null,
      last && mode.wrong && data.wrong ? note(data.wrong.verdict, "bad") : null,
    ];
  }

  function arrival(step) {
    const [number, expected] = step.part;
    const receiver = step.say.filter((part) => part.name !== undefined).at(-1);
    if (mode.wrong) return expected === 1 ? null : [`Contribution ${number} of ${expected} to `, receiver, "."];
    if (expected === 1) return ["That is all that ", receiver, " receives: its gradient is complete."];
    if (number < expected) return [`Contribution ${number} of ${expected} to `, receiver, "."];
    return [`Contribution ${number} of ${expected} to `, receiver, ": its gradient is complete."];
  }

  // -- predicting -------------------------------------------------------------------------------

  function question(step, at) {
    const { index } = focus(step, at);
    const place = index.length ? ` at [${index.join(", ")}]` : "";
    const receiver = step.say.filter((part) => part.name !== undefined).at(-1).name;
    const input = element("input", { type: "text", autocomplete: "off", spellcheck: "false" });
    const hint = element("p", { class: "hint", role: "alert" });
    const check = (event) => {
      event.preventDefault();
      const guess = guessed(input.value);
      if (guess === null) {
        hint.textContent = "Type a number, such as 0.25, -1e-3 or 1/3.";
        input.focus();
        return;
      }
      const right = close(guess, truthOf(step, at));
      if (!firsts.has(at)) firsts.set(at, right);
      if (right) return settle(at, { right });
      tally();
      const why = misconception(guess, truthOf(step, at), upstreamOf(step, at));
      hint.textContent = `Not ${minus(input.value.trim())}. ${why}${why && " "}Try again, or press Show.`;
      input.select();
    };
    return element("form", { class: "question", onsubmit: check },
      element("label", {}, `What is sent to ${receiver}${place}?`, input),
      element("button", { type: "submit", class: "main" }, "Check"),
      element("button", { type: "button", onclick: () => settle(at, { right: false }) }, "Show"),
      hint);
  }

  // The entry that is asked for: as recorded, or as it is after a change.
  function truthOf(step, at) {
    if (!isChanged()) return step.ask;
    const { data: entries, shape: lengths } = live.values[step.sent[2]];
    return entries[numbers.placeOf(lengths, focus(step, at).index)];
  }

  // The upstream gradient of the entry that is asked for, if it is a single number.
  function upstreamOf(step, at) {
    const array = live?.values[step.grad[2]];
    const { index } = focus(step, at);
    if (!array || array.data.length === 1) return array?.data[0];
    return array.shape.length === index.length ? array.data[numbers.placeOf(array.shape, index)] : undefined;
  }

  function settle(at, given) {
    answers.set(at, given);
    if (!firsts.has(at)) firsts.set(at, given.right);
    tally();
    stepper.go(at);
    details.querySelector(".answer button")?.focus();
  }

  function answer(at) {
    const given = mode.predict ? answers.get(at) : undefined;
    if (!given) return null;
    const step = steps()[at];
    const truth = minus(String(Number(truthOf(step, at).toPrecision(4))));
    const words = given.right ? `Right: ${truth}.` : `It is ${truth}.`;
    const next = () => {
      stepper.go(at + 1);
      (details.querySelector("input") ?? stepper.next).focus();
    };
    return element("p", { class: given.right ? "answer good" : "answer bad" },
      element("span", { role: "alert" }, words), " ",
      at < count - 1 ? element("button", { type: "button", onclick: next }, "Next step") : null);
  }
}

// Read a number as a learner types it: 0.25, -.5, 1e-3, 1/3, with a hyphen or a minus sign.
function guessed(text) {
  const plain = text.trim().replace(/[−–]/g, "-").replace(",", ".");
  const [above, below, ...more] = plain.split("/").map((part) => part.trim());
  const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
  if (more.length || !isNumber.test(above)) return null;
  if (below === undefined) return Number(above);
  return isNumber.test(below) && Number(below) !== 0 ? Number(above) / Number(below) : null;
}

// What a wrong answer looks like, in the words of `gradcheck`.
function misconception(guess, truth, upstream) {
  const is = (x) => guess !== 0 && close(guess, x);
  if (is(-truth)) return "Look for a minus sign too few or too many, as in the derivative of -x or of 1/x.";
  if (Number.isFinite(upstream) && Math.abs(upstream) !== 1) {
    if (is(upstream) || is(truth / upstream)) return "By the chain rule every gradient is the local slope times the upstream gradient.";
    if (is(truth * upstream)) return "A gradient is linear in grad: twice the upstream gradient gives twice the gradient.";
  }
  if (is(2 * truth)) return "Is a factor 2 counted twice, or 1/2 of the function forgotten?";
  if (is(truth / 2)) return "Look for a factor 2 that differentiating brings down, as in the derivative of a square.";
  return "";
}

// Two significant digits are enough; a zero must be a zero.
function close(guess, truth) {
  return Math.abs(guess - truth) <= 0.01 * Math.abs(truth) + 1e-12;
}

// -- the picture --------------------------------------------------------------------------------

// The picture of a graph, in which boxes show what is known at a step.
class Graph extends LivePicture {
  constructor(picture, data) {
    super(picture, data.live, data.heat, data.view.arrows);
    this.data = data;
    const width = Number(picture.getAttribute("width"));
    const [top, legend] = detachLegend(picture);
    this.legend = legend;
    picture.setAttribute("viewBox", `0 0 ${width} ${top}`);
    picture.removeAttribute("height");
    picture.style.width = `${width}px`;
    picture.style.minWidth = `${Math.min(width, Math.max(width * 0.72, 300))}px`;
    this.active = [];
    this.isWrong = false;
    this.bodies = Object.entries(data.wrong?.bodies ?? {}).map(([id, text]) => {
      const right = this.boxes.get(id).querySelector(".body");
      return { right, wrong: parse(text) };
    });
  }

  // Add to a box what shows its state.
  prepare(box) {
    super.prepare(box);
    const width = Number(box.querySelector("rect").getAttribute("width"));
    box.append(shape("g", { class: "badge", transform: `translate(${width - 6} 0)` },
      shape("rect", { x: -13, y: -9, width: 26, height: 18, rx: 9 }),
      shape("text", { "text-anchor": "middle", y: 4 })));
  }

  useWrong(on) {
    const use = on && Boolean(this.data.wrong);
    if (use === this.isWrong) return;
    this.isWrong = use;
    for (const { right, wrong } of this.bodies) (use ? right : wrong).replaceWith(use ? wrong : right);
  }

  // Show what is known after step `at`; if `asked`, without what this step sends.
  show(steps, at, forward, asked) {
    const step = steps[at];
    const expected = new Map();
    const arrived = new Map();
    const known = new Set();
    steps.forEach(({ box, to }, k) => {
      if (!to && k <= at) known.add(box);
      if (!to) return;
      expected.set(to, (expected.get(to) ?? 0) + 1);
      if (k < at || (k === at && !asked)) arrived.set(to, (arrived.get(to) ?? 0) + 1);
    });
    const output = steps[forward]?.box; // the first to send, and its gradient was given
    for (const [id, box] of this.boxes) {
      const [got, all] = [arrived.get(id) ?? 0, expected.get(id) ?? 0];
      const done = (all > 0 && got === all) || (id === output && at >= forward);
      const bad = done && this.isWrong && this.data.wrong.at.includes(id);
      box.classList.toggle("unknown", !id.startsWith("c") && !known.has(id));
      box.classList.toggle("waiting", !done);
      box.classList.toggle("current", id === step.box);
      box.classList.toggle("receiver", id === step.to);
      box.classList.toggle("bad", bad);
      box.querySelector(".badge text").textContent = bad ? "≠" : done ? "✓" : !got ? "" : all > 99 ? `${Math.floor((100 * got) / all)} %` : `${got}/${all}`;
      box.querySelector(".badge").classList.toggle("empty", !done && !got);
    }
    this.activate(step);
    this.picture.classList.toggle("asking", asked); // an arrow's tooltip tells what it sent
  }

  // Point at the arrow that is used: backward against its direction.
  activate(step) {
    const used = step.to
      ? this.arrows.filter(({ ends }) => ends[0] === step.to && ends[1] === step.box).slice(step.arrow, step.arrow + 1)
      : this.arrows.filter(({ ends }) => ends[1] === step.box);
    for (const { group } of this.arrows) {
      group.classList.remove("used", "back");
      group.querySelector(".head")?.remove();
    }
    for (const arrow of used) {
      arrow.group.classList.add("used");
      if (!step.to) continue;
      arrow.group.classList.add("back");
      const line = arrow.group.querySelectorAll("path")[1];
      if (arrow.d !== line.getAttribute("d")) arrow.head = headAtStart(line); // to measure takes long
      arrow.d = line.getAttribute("d");
      arrow.group.append(arrow.head);
    }
    this.active = [step.box, step.to].filter(Boolean).map((id) => this.boxes.get(id));
  }
}

function headAtStart(line) {
  const [from, along] = [line.getPointAtLength(0), line.getPointAtLength(10)];
  const turn = (Math.atan2(from.y - along.y, from.x - along.x) * 180) / Math.PI;
  return shape("path", { class: "head", d: "M0 0L-12 -6L-12 6Z", transform: `translate(${from.x} ${from.y}) rotate(${turn})` });
}
