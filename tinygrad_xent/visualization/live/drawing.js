// The picture of a graph with numbers to change, and without steps.
"use strict";

/** Return the fields and answers that belong to a picture; null if its numbers cannot be changed. */
function liveTools(picture, { live: page, heat, arrows, alone }) {
  if (!page) return null;
  const live = new Live(page.program);
  const graph = new LivePicture(picture, page, heat, arrows);
  const point = (number, place) => {
    const box = Object.keys(page.boxes).find((id) => page.boxes[id][0] === number);
    if (box) graph.mark(box, "value", place);
  };
  const changed = () => {
    graph.follow(live.values === live.first ? null : live);
    why.refresh();
    if (alone) edit.writeAddress();
  };
  const edit = new Editor(live, page, changed, point);
  const why = new Why(live, page, graph);
  const paths = (id) => {
    const k = why.tensors.findIndex(({ number }) => why.boxOf.get(number) === id);
    if (k >= 0) why.show("paths", k);
  };
  touchable(graph, live, edit, why, () => false, paths);
  edit.part.open = true;
  if (alone) edit.followAddress();
  return element("div", { class: "tools" }, edit.part, why.part);
}
