"""The directive `exercises`: each statement, what the learner starts from, and the hints, folded.

The solutions stay in the package: `tx.solution(name)` shows them to those who ask.
"""

from __future__ import annotations

from itertools import groupby

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from tinygrad_xent.teaching.exercises import CATALOGUE, Exercise


def described(exercise: Exercise) -> str:
    """Write an exercise as MyST."""
    hints = "\n\n".join(
        f"<details><summary>Hint {i}</summary>\n\n{hint}\n\n</details>"
        for i, hint in enumerate(exercise.hints, start=1)
    )
    return (
        f"({exercise.name})=\n### {exercise.title}\n\n{exercise.statement}\n\n"
        f"```python\n{exercise.blank}\n```\n\n{hints}\n"
    )


class Exercises(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        self.env.note_reread()  # the page follows the package, also when its own text stays
        parts = []
        for lesson, group in groupby(CATALOGUE.values(), lambda exercise: exercise.lesson):
            parts += [f"## Lesson {lesson}\n", *map(described, group)]
        return self.parse_text_to_nodes("\n".join(parts), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("exercises", Exercises)
    return {"parallel_read_safe": True}
