"""The command `tinygrad-xent`; each subcommand imports its modules only when it runs."""

import argparse
import re
import sys
import textwrap
from collections.abc import Sequence
from configparser import ConfigParser
from pathlib import Path
from typing import Any, NoReturn

from tinygrad_xent.commands import COMMANDS
from tinygrad_xent.commands.streams import complain, say
from tinygrad_xent.errors import TinygradXentError, UsageError

_NAME = "tinygrad-xent"
_ABOUT = "Backpropagation to look at, to step through and to trust, for softmax and cross-entropy."


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; by default those of the process.

    Returns
    -------
    int
        The exit status: 0; 1 if a gradient is wrong; 2 for an error, explained by one line on the
        standard error stream; 130 if interrupted.
    """
    try:
        parser = _parser()
        options = parser.parse_args(_joined(sys.argv[1:] if argv is None else argv))
        if options.command is None:
            return say(parser.format_help())
        status: int = COMMANDS[options.command].run(options)
    except TinygradXentError as error:
        complain(f"{_NAME}: error: {error}")
        return 2
    except KeyboardInterrupt:
        return 130
    return status


def _parser() -> argparse.ArgumentParser:
    from tinygrad_xent import __version__

    class Parser(argparse.ArgumentParser):
        """Report errors in one line."""

        def error(self, message: str) -> NoReturn:
            if message.startswith("unrecognized") and not any(map(str.isalpha, message[24:])):
                message += ': numbers stand in quotes, as in --logits "2, 1, 0.1"'
            raise UsageError(f"{message}; see {self.prog} --help")

    def described(add: Any, about: str, examples: str, **more: Any) -> Any:
        return add(
            **more,
            description=textwrap.fill(about, 78),
            epilog="examples:" + examples.replace("\n", "\n  "),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    help_ = ConfigParser(interpolation=None)
    help_.read_string(Path(__file__).with_name("help.ini").read_text("utf-8"))
    examples = "".join(help_[name]["examples"] for name in COMMANDS)
    parser: argparse.ArgumentParser = described(Parser, _ABOUT, examples, prog=_NAME)
    parser.add_argument("--version", action="version", version=f"{_NAME} {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, command in COMMANDS.items():
        command.options(described(commands.add_parser, **help_[name], name=name))
    return parser


def _joined(argv: Sequence[str]) -> list[str]:
    """Return --logits "-1,2" as --logits=-1,2, as argparse would take the number for an option."""
    joined: list[str] = []
    for word in argv:
        if joined and joined[-1].startswith("--") and re.match(r"-[\d.in]", word):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined
