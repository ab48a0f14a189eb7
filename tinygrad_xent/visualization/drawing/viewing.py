"""A picture to look around in: what `viewer.js` needs to know of a model."""

from collections.abc import Collection
from typing import Any

from tinygrad_xent.visualization.drawing.paint import painted_box
from tinygrad_xent.visualization.drawing.records import Model


def viewed(
    model: Model, most: float = float("inf"), expand: Collection[str] = ()
) -> dict[str, Any]:
    """Return the ends of the arrows, and of each group what stands for it once it is folded.

    Parameters
    ----------
    model : Model
    most : float
        How many boxes the page begins with: it folds groups until there are no more.
    expand : collection of str
        The titles of groups that are not folded then.

    Returns
    -------
    dict
        ``arrows`` are pairs of ids. ``groups`` have a ``title``, the ids of their ``boxes``, the
        number of their ``parent`` or -1, and the ``markup`` of the box that stands for them.
        ``holds`` are the names of the tensors in folded boxes, by id.
    """
    ids = [box.id for box in model.boxes]
    return {
        "arrows": [[ids[arrow.source], ids[arrow.target]] for arrow in model.arrows],
        "groups": [
            {
                "title": group.title,
                "boxes": [ids[i] for i in group.boxes],
                "parent": group.parent,
                "markup": painted_box(group.box),
            }
            for group in model.groups
            if group.box
        ],
        "holds": {box.id: [*box.holds.values()] for box in model.boxes if box.holds},
        "open": list(expand),
    } | ({"most": most} if most < len(ids) else {})
