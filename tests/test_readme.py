"""README and the pages of the docs as their reader meets them: code runs, links lead somewhere."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import operator
import re
import shlex
from pathlib import Path
from urllib.parse import urlparse

import pytest

import tinygrad_xent as tx
from tinygrad_xent import errors
from tinygrad_xent.commands import cli

ROOT = Path(__file__).parent.parent
GENERATED = {"_answers", "_build", "_exercises", "_lessons", "_ops", "jupyter_execute"}
DOCS = [page for page in (ROOT / "docs").rglob("*.md") if not GENERATED & set(page.parts)]
PAGES = [ROOT / "README.md", *sorted(page for page in DOCS if page.parent.name != "derivations")]
ERRORS = "".join(
    (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("errors.md", "errors_of_ops.md")
)
COMMANDS = re.findall(r"```console\n\$ tinygrad-xent (.*)\n([^`]*)```", ERRORS)


def named(pages: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", pages, ids=lambda page: page.name)


@named([page for page in PAGES if "\n>>> " in page.read_text(encoding="utf-8")])
def test_the_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = page.read_text(encoding="utf-8").replace("\n```", "\n\n```")  # or ``` is expected output
    text = re.sub("(?m)^ +>>> ", "", text)  # within a docstring that is shown
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert runner.run(test) == (0, len(test.examples))


@named(PAGES)
def test_the_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    for target in targets:
        made = re.match(r"(\.\./)*_(ops|lessons)/", target)  # the docs build checks these
        if not urlparse(target).scheme and not target.startswith("#") and not made:
            assert (page.parent / target.partition("#")[0]).exists(), target


ERROR_NAMES = [name for name, kind in vars(errors).items() if isinstance(kind, type)]


@pytest.mark.parametrize("name", ERROR_NAMES)
def test_every_error_has_its_example(name: str) -> None:
    _, heading, rest = ERRORS.partition(f"\n### {name}\n")
    assert heading, f"docs/errors.md does not explain {name}"
    section = re.split(r"\n##", rest)[0]
    kind = getattr(errors, name)
    shown = f"errors.{name}: " in section or issubclass(errors.TinygradXentError, kind)
    assert shown or "$ tinygrad-xent" in section
    assert "**What to do.**" in section


@pytest.mark.parametrize(("arguments", "answer"), COMMANDS)
def test_the_commands_are_answered_as_shown(
    arguments: str, answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        assert cli.main(shlex.split(arguments)) == 2
    assert said.getvalue().split() == answer.split()


# -- names in the text -----------------------------------------------------------------------

SOURCES = [
    path
    for folder in ("tinygrad_xent", "docs")
    for path in (ROOT / folder).rglob("*.py*")
    if path.suffix in {".py", ".pyi"}
]
WORDS = set(re.findall(r"\w+", "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)))
FILES = {path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*") if ".venv" not in path.parts}
THEIRS = {"NN_name", "prepare", "nbgrader_config", "plt", "nbclient", "ipykernel", "def", "docs",
          "no_grad", "requires_grad", "hw_v2", "softmax_bakward"}  # fmt: skip
"""What a reader writes, or what others make: the files of a course, modules of other packages."""


def spans(page: Path) -> list[str]:
    """Return the pieces of code within the sentences of a page, but for the words of others."""
    text = page.read_text(encoding="utf-8").partition("\n## The words elsewhere\n")[0]
    text = re.sub("(?ms)^ *(```|~~~).*?^ *\\1", "", text)
    return re.findall("(?<!`)`([^`\n]+)`(?!`)", text)


@named(PAGES)
def test_the_names_in_the_text_exist(page: Path) -> None:
    for span in spans(page):
        found = re.fullmatch(r"(?:tx|tinygrad_xent)\.([\w.]+)(?:\(.*\))?", span)
        if found:
            operator.attrgetter(found[1])(importable(found[1]))


def importable(dotted: str) -> object:
    """Return the package, with the modules of a dotted name imported."""
    parts = dotted.split(".")
    for i in range(1, len(parts) + 1):
        with contextlib.suppress(ImportError):
            importlib.import_module(f"tinygrad_xent.{'.'.join(parts[:i])}")
    return tx


@named(PAGES)
def test_the_files_in_the_text_exist(page: Path) -> None:
    for span in spans(page):
        if re.fullmatch(r"[\w/]+(\.py|\.md|/)", span) and not set(re.split(r"[/.]", span)) & THEIRS:
            path = span.rstrip("/")
            assert any(file == path or f"/{file}".endswith(f"/{path}") for file in FILES), span


@named([page for page in PAGES if page.name != "coming_from.md"])  # with the words of others
def test_the_words_of_the_package_in_the_text_are_in_its_source(page: Path) -> None:
    for span in spans(page):
        found = re.fullmatch(r"([a-z]\w*_\w+)(\(.*\))?", span)  # such as `sum_to` or `op_of(rule)`
        if found and not found[1].endswith("_py") and found[1] not in THEIRS:
            assert found[1] in WORDS, span


# -- what a search finds ---------------------------------------------------------------------

SEARCHED = {
    "training_loop": "GradientTape DataLoader optimizer fit compile apply_updates momentum Adam",
    "zeroing_gradients": "zero_grad zero_ retain_graph set_to_none accumulate",
    "saving_weights": "state_dict savez load_weights save_weights get_weights pickle checkpoints",
    "class_weights": "class_weight sample_weight pos_weight weight balanced",
    "padding": "ignore_index ignore_class pad_sequence padding_idx mask_zero sequence_mask Masking",
    "freezing": "requires_grad_ detach no_grad stop_gradient trainable inference_mode",
    "plotting": "TensorBoard torchviz make_dot SummaryWriter plot_model Netron Matplotlib",
}
"""What people type into the search field, and the page that should be found."""


@pytest.mark.parametrize("page", SEARCHED)
def test_a_page_has_the_words_by_which_it_is_searched(page: str) -> None:
    text = (ROOT / "docs" / "howto" / f"{page}.md").read_text(encoding="utf-8")
    assert set(SEARCHED[page].split()) - set(re.findall(r"\w+", text)) == set()
    assert f"howto/{page}" in (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
