// A recorded training run to scrub through (see recording.py for the data).

function recording(root, data, picture) {
  const { frames } = data;
  const curve = element("div", { class: "curve" }, picture);
  const pane = element("div", { class: "graph", tabindex: 0, role: "group", "aria-label": "graph of this step" });
  const details = element("div", { class: "details", tabindex: 0, role: "group", "aria-label": "this step" });
  const status = element("p", { class: "hidden", role: "status" });
  const line = shape("path", { class: "now" });
  const dot = shape("circle", { class: "now", r: 5 });
  const layouts = data.layouts.map((text) => parse(text));
  const stepper = new Stepper(frames.length, show, 250);

  const view = element("section", { class: "view", "aria-label": "training run" },
    element("div", { class: "controls" }, ...stepper.buttons,
      element("div", { class: "track" }, stepper.slider), stepper.counter),
    element("div", { class: layouts.length ? "stage" : "stage alone" }, details, layouts.length ? pane : null),
    element("p", { class: "key" },
      "Keys: ← → Home End, space plays. Click into the curve to go there. Colours of a table mean the same at every step."),
    status,
  );
  root.append(view);
  picture.append(line, dot);
  picture.addEventListener("click", (event) => { stepper.stop(); stepper.go(nearest(event)); });
  stepper.listen(view, data.alone);
  stepper.go(0);

  function nearest(event) {
    const frame = picture.getBoundingClientRect();
    const x = ((event.clientX - frame.left) / frame.width) * picture.viewBox.baseVal.width;
    const far = frames.map(({ at }) => Math.abs(at[0] - x));
    return far.indexOf(Math.min(...far));
  }

  function show(at) {
    const frame = frames[at];
    const [x, y] = frame.at;
    line.setAttribute("d", `M${x} 20V${picture.viewBox.baseVal.height - 34}`);
    dot.setAttribute("cx", x);
    dot.setAttribute("cy", y);
    draw(frame);
    const text = `Step ${frame.step}: loss ${minus(frame.loss)}.`;
    details.replaceChildren(
      element("p", { class: "say" }, "Step ", element("b", {}, String(frame.step)), ": loss ", element("b", {}, minus(frame.loss))),
      curve,
      element("div", { class: "tables" }, ...frame.tables.map(([name, place]) =>
        table([element("b", {}, name)], { ...data.arrays[place], top: data.tops[name] }, data.heat))),
      frame.norms.length ? norms(frame.norms) : "",
    );
    stepper.counter.textContent = `step ${frame.step}`;
    stepper.slider.setAttribute("aria-valuetext", text);
    status.textContent = text;
  }

  // Put the numbers of a step into the picture of its graph.
  function draw({ layout, places }) {
    if (layout < 0) return pane.replaceChildren();
    const graph = layouts[layout];
    if (pane.firstChild !== graph) pane.replaceChildren(graph);
    graph.removeAttribute("height");
    graph.style.width = `${graph.getAttribute("width")}px`;
    graph.style.minWidth = `${Math.max(graph.getAttribute("width") * 0.72, 300)}px`;
    for (const [id, place] of Object.entries(places)) {
      const body = graph.querySelector(`#${id} > .body`);
      if (body.dataset.place === String(place)) continue;
      const other = parse(data.bodies[place]);
      other.dataset.place = place;
      body.replaceWith(other);
    }
  }

  function norms(rows) {
    const head = ["norm of", "value", "gradient"].map((text) => element("th", { scope: "col" }, text));
    return element("table", { class: "norms" },
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...rows.map(([name, ...texts]) =>
        element("tr", {}, element("th", { scope: "row" }, name), ...texts.map((text) => element("td", {}, minus(text)))))));
  }
}
