// Pointing at numbers and boxes in the picture: drag what was given, and ask why of everything else.
"use strict";

/**
 * Listen to pointers in a picture. `isHidden(id, kind)` says what may not be told yet; `onbox(id)`
 * is called for a click that met no number.
 */
function touchable(picture, live, editor, why, isHidden, onbox) {
  const canChange = ({ kind, entry }) => kind === "value" && live.leaves.some(({ number }) => number === entry);
  const pick = (event) => {
    const at = picture.pick(event);
    return at && !isHidden(at.id, at.kind) ? at : null;
  };
  picture.picture.addEventListener("pointerenter", () => picture.warm(), { once: true });
  editor.part.addEventListener("focusin", () => picture.warm(), { once: true });
  let wasDragged = false;
  for (const [id, box] of picture.boxes) {
    box.addEventListener("pointerdown", (event) => {
      wasDragged = false;
      const at = event.button ? null : pick(event);
      if (!at || !canChange(at)) return;
      event.preventDefault(); // no text is selected ...
      event.stopPropagation(); // ... and the picture stays where it is
      wasDragged = true;
      editor.drag(event, box, at.entry, at.place, () => (wasDragged = false));
    });
    box.addEventListener("click", (event) => {
      if (wasDragged) return;
      const at = pick(event);
      if (at && canChange(at)) editor.choose(at.entry, at.place);
      const k = at ? why.tensors.findIndex((x) => [x.number, x.gradient].includes(at.entry) && why.boxOf.get(x.number) === id) : -1;
      if (k >= 0) why.show(at.kind, k, at.place);
      else onbox(id);
    });
  }
}
