"""The shell examples of a Markdown page: blocks marked `console`, a `$` before each command, what it prints after it.

Pure: it finds them and says whether an output is the one shown; who runs them is the caller's affair.
"""

import doctest
import re
from dataclasses import dataclass

BLOCK = re.compile(r"^```console\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLE = re.compile(r"^\$ (?P<command>(?:.*\\\n)*.*)\n(?P<output>(?:(?!\$ ).*\n)*)", re.MULTILINE)
FRACTION = re.compile(r"-?\d+(?:\.\d+(?:[eE][-+]?\d+)?|[eE][-+]?\d+)")


@dataclass(frozen=True, slots=True)
class ConsoleExample:
    command: str
    output: str


def console_examples(markdown: str) -> list[ConsoleExample]:
    """In the page's order. A command goes on in the next line after a backslash."""
    return [
        ConsoleExample(found["command"], found["output"])
        for block in BLOCK.finditer(markdown)
        for found in EXAMPLE.finditer(block["body"])
    ]


def prints_what_is_shown(printed: str, shown: str) -> bool:
    """Whether they agree but for numbers with a point or an exponent, white space at the ends, and what `…` stands for.

    Such numbers are what a model computes and what a clock shows: only that there is one is compared.
    """
    wanted, got = (FRACTION.sub("#", text.replace("\r", "").strip()) for text in (shown, printed))
    return doctest.OutputChecker().check_output(wanted.replace("…", "..."), got, doctest.ELLIPSIS)
