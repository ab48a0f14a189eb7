"""From a lesson's source to its notebook."""

from __future__ import annotations

import nbformat
import pytest
from make_notebooks import (
    exercise_in,
    regenerate,
    to_notebook,
    with_blanks,
    written,
)
from solved_lessons import solved

from tinygrad_xent.errors import UnknownExerciseError
from tinygrad_xent.teaching.exercises import CATALOGUE

SOURCE = """# %% [markdown]
# # 1. Title
#
# Words, $x^2$.

# %%
import numpy as np

# %% [markdown] tags=["exercise"]
# an old statement

# %% tags=["exercise"]
def product_backward(grad, y, a, b):
    return "an old blank"


# %%
tx.check("product_backward", product_backward)
"""


def test_an_exercise_gets_its_statement_and_its_blank_from_the_catalogue():
    text = with_blanks(SOURCE)
    exercise = CATALOGUE["product_backward"]
    assert "an old" not in text
    task, code = to_notebook(text)["cells"][2:4]
    assert task["source"] == f"### Exercise: {exercise.title}\n\n{exercise.statement.strip()}"
    assert code["source"] == exercise.blank.strip()
    assert with_blanks(text) == text
    assert text.startswith(SOURCE[: SOURCE.index("# %% [markdown] tags")])
    assert text.endswith('\n\n\n# %%\ntx.check("product_backward", product_backward)\n')


def test_a_cell_of_words_above_an_exercise_may_be_the_lessons_own():
    source = SOURCE.replace('# %% [markdown] tags=["exercise"]', "# %% [markdown]")
    assert "# an old statement\n" in with_blanks(source)


def test_ids_stay_when_another_cell_changes():
    cells = to_notebook(SOURCE)["cells"]
    later = to_notebook(SOURCE.replace("Words", "More words\n# and more\n\n# %%\n1"))["cells"]
    assert [cell["id"] for cell in cells[1:]] == [cell["id"] for cell in later[2:]]
    assert [cell["id"] for cell in cells[3:]] == ["product_backward", "product_backward-check"]


def test_equal_cells_get_ids_of_their_own():
    ids = [cell["id"] for cell in to_notebook("# %%\nx\n\n# %%\nx\n")["cells"]]
    assert ids[1] == f"{ids[0]}-2"


def test_a_notebook_is_valid_and_always_the_same():
    notebook = to_notebook(SOURCE)
    nbformat.validate(nbformat.from_dict(notebook))
    assert written(notebook) == written(to_notebook(SOURCE))
    assert written(notebook).endswith("}\n")
    assert not written(notebook).endswith("\n\n")


def test_solving_puts_the_solution_in_and_leaves_the_rest_alone():
    notebook = to_notebook(with_blanks(SOURCE))
    before = written(notebook)
    cells = solved(notebook)["cells"]
    assert cells[3]["source"] == CATALOGUE["product_backward"].solution.strip()
    assert written(notebook) == before
    assert [cells[i] for i in (0, 1, 2, 4)] == [notebook["cells"][i] for i in (0, 1, 2, 4)]


def test_only_code_cells_with_the_tag_are_exercises():
    cells = to_notebook(SOURCE)["cells"]
    assert [exercise_in(cell) for cell in cells] == [None, None, None, "product_backward", None]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("product_backward", "produce", "there is no exercise 'produce'; add .*produce.py"),
        ("def product_backward(grad, y, a, b):\n    return", "x =", "defines no function; write"),
    ],
)
def test_a_mistake_in_a_source_is_named(old, new, words):
    with pytest.raises(UnknownExerciseError, match=words):
        with_blanks(SOURCE.replace(old, new))


def test_regenerating_writes_what_has_changed_and_says_so(tmp_path):
    source = tmp_path / "01_title.py"
    source.write_text(SOURCE, "utf-8")
    (tmp_path / "notes.py").write_text("1", "utf-8")
    said = []
    regenerate(tmp_path, said.append)
    assert said == [f"wrote {source}", f"wrote {source.with_suffix('.ipynb')}"]
    regenerate(tmp_path, said.append)
    assert len(said) == 2
