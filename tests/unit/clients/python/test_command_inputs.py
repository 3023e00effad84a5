"""The INPUT arguments of `penstock predict`."""

from pathlib import Path
from typing import Any

import pytest
from penstock_client.command_inputs import CommandInputs, WrongUse, read_inputs
from penstock_client.errors import InvalidInput, UnreadableFile


def read(*arguments: str, stdin: str = "") -> CommandInputs:
    return read_inputs(arguments, lambda: stdin)


@pytest.mark.parametrize(
    ("arguments", "inputs"),
    [
        (["age=59", "bmi=32.1", "town=Ulm", "smokes=false"], {"age": 59, "bmi": 32.1, "town": "Ulm", "smokes": False}),
        (["a=", "b=x=y"], {"a": "", "b": "x=y"}),
        (["I say x=y"], "I say x=y"),
        (['{"age": 59}'], {"age": 59}),
        (["[[0, 1], [2, 3]]"], [[0, 1], [2, 3]]),
        (["[0, 1]", "[2, 3]"], [[0, 1], [2, 3]]),
        (["-3.5"], -3.5),
        (["a fine film"], "a fine film"),
        (["seven.png"], Path("seven.png")),
    ],
)
def test_arguments_become_inputs(arguments: list[str], inputs: Any) -> None:
    assert read(*arguments) == CommandInputs(inputs)


def test_several_images_are_named() -> None:
    paths = ("a.png", "b.JPG", "c.jpeg", "d.webp")
    assert read(*paths) == CommandInputs([Path(path) for path in paths], names=paths)


@pytest.mark.parametrize(
    ("stdin", "inputs"),
    [('{"x": 1}\n', {"x": 1}), ('{"x": 1}\n\n{"x": 2}\n', [{"x": 1}, {"x": 2}]), ("[\n1,\n2]", [1, 2]), ("", [])],
)
def test_standard_input_is_a_document_or_lines(stdin: str, inputs: Any) -> None:
    assert read("-", stdin=stdin) == CommandInputs(inputs)


def test_a_json_file_is_a_document_and_lines_are_rows(tmp_path: Path) -> None:
    document, lines = tmp_path / "row.json", tmp_path / "rows.ndjson"
    document.write_text('{"x": 1}')
    lines.write_text('{"x": 2}\n')
    assert read(str(document)) == CommandInputs({"x": 1})
    assert read(str(lines)) == CommandInputs([{"x": 2}])
    assert read(str(document), str(lines)) == CommandInputs([{"x": 1}, {"x": 2}])


@pytest.mark.parametrize("arguments", [["[1,"], ["age=59", "seven.png"], ["age=59", "age=60"]])
def test_arguments_that_make_no_sense_are_wrong_use(arguments: list[str]) -> None:
    with pytest.raises(WrongUse):
        read(*arguments)


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    lines = tmp_path / "rows.ndjson"
    lines.write_text("1\n\nnonsense\n")
    with pytest.raises(InvalidInput, match="line 3 is not JSON"):
        read(str(lines))


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    document = tmp_path / "row.json"
    document.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInput, match=r"row\.json is not UTF-8"):
        read(str(document))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"row\.json.*No such file"):
        read(str(tmp_path / "row.json"))
