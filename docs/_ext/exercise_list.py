"""A page for each lesson's exercises: statements, what the learner starts from, and hints, folded.

The directive `exercises` is a table that leads to them. The solutions stay in the package:
`tx.solution(name)` shows them to those who ask.
"""

from __future__ import annotations

from itertools import groupby

from docutils import nodes
from generated_pages import write
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from tinygrad_xent.teaching.exercises import CATALOGUE, Exercise
from tinygrad_xent.teaching.lessons import notebooks

LESSONS = {int(path.name[:2]): path.stem for path in notebooks()}
GROUPS = {
    lesson: list(group)
    for lesson, group in groupby(CATALOGUE.values(), lambda exercise: exercise.lesson)
}


def described(exercise: Exercise) -> str:
    """Write an exercise as MyST."""
    hints = "\n\n".join(
        f"<details><summary>Hint {i}</summary>\n\n{hint}\n\n</details>"
        for i, hint in enumerate(exercise.hints, start=1)
    )
    return (
        f"({exercise.name})=\n## {exercise.title}\n\n{exercise.statement}\n\n"
        f"```python\n{exercise.blank}\n```\n\n{hints}\n"
    )


def page(lesson: int) -> str:
    notebook = f"[the lesson](../_lessons/{LESSONS[lesson]}.ipynb)"
    words = f"These are cells of {notebook}, too. [How an exercise is judged](../exercises.md)."
    return "\n\n".join([f"# Exercises of lesson {lesson}", words, *map(described, GROUPS[lesson])])


class Exercises(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        self.env.note_reread()  # the page follows the package, also when its own text stays
        lines = ["| lesson | exercises |", "|---|---|"]
        for lesson, group in GROUPS.items():
            names = ", ".join(f"{{ref}}`{exercise.name} <{exercise.name}>`" for exercise in group)
            lines.append(f"| [{lesson}](_exercises/lesson_{lesson}.md) | {names} |")
        return self.parse_text_to_nodes("\n".join(lines))


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("exercises", Exercises)
    pages = {f"lesson_{lesson}": page(lesson) for lesson in GROUPS}
    app.connect("builder-inited", lambda _: write("_exercises", pages))
    return {"parallel_read_safe": True}
