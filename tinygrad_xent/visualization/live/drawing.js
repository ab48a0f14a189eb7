// The page of `draw` with numbers to change: a picture to look around in, and what asks why.
"use strict";

function liveDrawing(root, data, picture) {
  const { viewer, view } = drawing(root, data, picture);
  view.querySelector(".key").before(liveTools(root, viewer.picture, data));
}

/** Return the fields and answers that belong to a picture. */
function liveTools(root, picture, { live: page, heat, arrows, address }) {
  const live = new Live(page.program);
  root.host.live = live; // for readers of the page's numbers
  const graph = new LivePicture(picture, page, heat, arrows);
  const point = (number, place) => {
    const box = Object.keys(page.boxes).find((id) => page.boxes[id][0] === number);
    if (box) graph.mark(box, "value", place);
  };
  const changed = () => {
    graph.follow(live.values === live.first ? null : live);
    why.refresh();
    if (address) edit.writeAddress();
  };
  const edit = new Editor(live, page, changed, point);
  const why = new Why(live, page, graph);
  const paths = (id) => {
    const k = why.tensors.findIndex(({ number }) => why.boxOf.get(number) === id);
    if (k >= 0) why.show("paths", k);
  };
  touchable(graph, live, edit, why, () => false, paths);
  edit.part.open = true;
  if (address) edit.followAddress();
  return element("div", { class: "beside" }, edit.part, why.part);
}
