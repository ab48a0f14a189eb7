// A recorded training run to scrub through, and to train on (see recording.py for the data).

function recording(root, data, picture) {
  const { frames, training } = data;
  const pane = element("div", { class: "graph", tabindex: 0, role: "group", "aria-label": "graph of this step" });
  const details = element("div", { class: "details", tabindex: 0, role: "group", "aria-label": "this step" });
  const status = element("p", { class: "hidden", role: "status" });
  const layouts = data.layouts.map((text) => parse(text));
  const originals = layouts.map((graph) => [...graph.querySelectorAll("g > .body")]
    .map((body) => [body.parentNode.id, body.cloneNode(true)]));
  const curve = new Curve(data.losses, (step) => { stepper.stop(); stepper.go(nearest(step)); });
  const model = training && !training.why.length ? modelOf() : null;
  const stepper = new Stepper(frames.length, show, 250);
  const notes = [
    "Keys: ← → Home End, space plays. Click into the curve to go there. Colours of a table mean the same at every step.",
    model ? `Training goes on from ${training.frames.some(Boolean) ? "the step that is shown" : "step 1"}, with the examples of step 1.` : "",
    training?.why.length ? `It cannot go on in this page: ${training.why.join("; ")}.` : "",
  ];

  const view = element("section", { class: "view", "aria-label": "training run" },
    element("div", { class: "controls" }, ...stepper.buttons,
      element("div", { class: "track" }, stepper.slider), stepper.counter),
    model?.controls.part,
    element("div", { class: layouts.length ? "stage recorded" : "stage alone" }, details,
      layouts.length ? element("div", { class: "graphs" }, pane) : null),
    element("p", { class: "key" }, notes.filter(Boolean).join(" ")),
    status,
  );
  root.append(view);
  stepper.listen(view, data.alone);
  stepper.go(0);

  function nearest(step) {
    const far = frames.map((frame) => Math.abs(frame.step - step));
    return far.indexOf(Math.min(...far));
  }

  // -- what was recorded ------------------------------------------------------------------------

  function show(at) {
    const frame = frames[at];
    model?.controls.leave();
    curve.more = [];
    draw(frame);
    const weights = training?.frames[at];
    if (model && weights) model.trainer.put(weights);
    tell(frame.step, frame.loss, [
      model && weights ? paintModel() : null,
      element("div", { class: "tables" }, ...frame.tables.map(([name, array]) =>
        table([element("b", {}, name)], { ...array, top: data.tops[name] }, data.heat))),
      frame.norms.length ? norms(frame.norms) : null,
    ]);
    curve.paint([frame.step, numberOf(data.losses.find(([step]) => step === frame.step)?.[1] ?? frame.loss)]);
  }

  function tell(step, loss, parts) {
    const text = `Step ${step}: loss ${minus(loss)}.`;
    details.replaceChildren(...[
      element("p", { class: "say" }, "Step ", element("b", {}, String(step)), ": loss ", element("b", {}, minus(loss))),
      curve.part, ...parts].filter(Boolean));
    stepper.counter.textContent = `step ${step}`;
    stepper.slider.setAttribute("aria-valuetext", text);
    status.textContent = text;
  }

  // Put the numbers of a step into the picture of its graph.
  function draw({ layout, bodies }) {
    if (layout < 0) return pane.replaceChildren();
    const graph = lay(layout);
    for (const [id, first] of originals[layout]) {
      const body = bodies[id] ? parse(bodies[id]) : first.cloneNode(true);
      graph.querySelector(`#${id} > .body`).replaceWith(body);
    }
  }

  function lay(layout) {
    const graph = layouts[layout];
    if (pane.firstChild !== graph) pane.replaceChildren(graph);
    graph.removeAttribute("height");
    graph.style.width = `${graph.getAttribute("width")}px`;
    graph.style.minWidth = `${Math.max(graph.getAttribute("width") * 0.72, 300)}px`;
    return graph;
  }

  function norms(rows) {
    const head = ["norm of", "value", "gradient"].map((text) => element("th", { scope: "col" }, text));
    return element("table", { class: "norms" },
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...rows.map(([name, ...texts]) =>
        element("tr", {}, element("th", { scope: "row" }, name), ...texts.map((text) => element("td", {}, minus(text)))))));
  }

  // -- what is trained here ---------------------------------------------------------------------

  function modelOf() {
    const trainer = new Trainer(training);
    const found = surfaceIn(trainer);
    const surface = found && new Surface(found, trainer.live, data.heat);
    const weights = new Weights(trainer, data.heat);
    const known = training.frames.findIndex((each, k) =>
      each && training.frames[k + 1] && frames[k + 1]?.step === frames[k].step + 1);
    const rate = known < 0 ? null : trainer.rateBetween(training.frames[known], training.frames[known + 1]);
    const from = () => {
      const at = stepper.at;
      const numbers = training.frames[at] ?? training.weights.map((number) => trainer.live.first[number].data);
      return { step: training.frames[at] ? frames[at].step : 1, weights: numbers };
    };
    return { trainer, surface, weights, controls: trainingControls(trainer, rate, { from, moved }) };
  }

  function paintModel() {
    const { trainer, surface, weights } = model;
    surface?.paint(trainer.values);
    weights.paint(trainer.values);
    return element("div", { class: "tables pictures" }, surface?.part, ...weights.parts);
  }

  function moved(step, isLast, isFresh = false) {
    const { trainer } = model;
    stepper.stop();
    for (const each of stepper.buttons) each.setAttribute("aria-disabled", false); // the way back
    if (isFresh) curve.more = [];
    else if (!curve.more.length) curve.more.push(curve.now);
    curve.more.push([step, trainer.loss]);
    if (!isLast) return;
    if (layouts.length) paintGraph(lay(0), trainer);
    const length = ({ data: numbers }) => printed(Math.sqrt(numbers.reduce((a, x) => a + x * x, 0)));
    tell(step, printed(trainer.loss), [paintModel(), norms(trainer.weights.map(({ name, number, gradient }) =>
      [name, length(trainer.values[number]), length(trainer.values[gradient])]))]);
    curve.paint([step, trainer.loss]);
  }

  // The bodies of the first graph, with the numbers of this page.
  function paintGraph(graph, { values }) {
    training.program.tensors.forEach(({ number, gradient }, i) => {
      const entries = [number, gradient];
      const box = graph.querySelector(`#n${i}`);
      if (!box) return;
      const width = Number(box.querySelector("rect").getAttribute("width"));
      ["value", "gradient"].forEach((kind, k) => {
        const group = box.querySelector(`.body .${kind}`);
        if (!group || entries[k] === null) return;
        const start = Number(group.querySelector("text").getAttribute("x"));
        group.painted ??= new Painted(group, width - start - 8);
        group.painted.paint(values[entries[k]], data.heat);
      });
    });
  }
}
