"""The INPUT arguments of `penstock predict`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from penstock_client.command_inputs import Sources, WrongUse, rows_of
from penstock_client.errors import InvalidInput, UnreadableFile
from penstock_client.metadata import Feature
from penstock_client.row_reading import ReadBlock, SourceRow

NUMBER = (Feature("number", "x", "float32"),)
PAIR = (Feature("tensor", "x", "float32", (2,)),)


def blocks_of(*blocks: bytes) -> ReadBlock:
    """Standard input as it comes, and an end that lasts."""
    left = list(blocks)
    return lambda _most: left.pop(0) if left else b""


def read(*arguments: str, stdin: Sequence[bytes] = (), features: tuple[Feature, ...] = NUMBER) -> list[SourceRow]:
    sources = Sources(blocks_of(*stdin), lambda: features)
    return [row for block in rows_of(arguments, sources) for row in block]


def rows(*arguments: str, **options: Any) -> list[Any]:
    return [row.row for row in read(*arguments, **options)]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["age=59", "bmi=32.1", "town=Ulm", "smokes=false"],
            [{"age": 59, "bmi": 32.1, "town": "Ulm", "smokes": False}],
        ),
        (["a=", "b=x=y"], [{"a": "", "b": "x=y"}]),
        (["I say x=y"], ["I say x=y"]),
        (['{"age": 59}'], [{"age": 59}]),
        (["[0, 1]", "[2, 3]"], [[0, 1], [2, 3]]),
        (["-3.5"], [-3.5]),
        (["a fine film"], ["a fine film"]),
        (["is this fine?"], ["is this fine?"]),
        (["seven.png"], [Path("seven.png")]),
    ],
)
def test_arguments_become_rows(arguments: list[str], expected: list[Any]) -> None:
    assert rows(*arguments) == expected


def test_a_document_is_one_row_or_many_as_the_model_has_it() -> None:
    assert rows("[[0, 1], [2, 3]]", features=PAIR) == [[0, 1], [2, 3]]
    assert rows("[0, 1]", features=PAIR) == [[0, 1]]
    assert rows("[0, 1]", features=NUMBER) == [0, 1]


def test_several_images_are_named() -> None:
    assert [(row.row, row.name) for row in read("a.png", "b.JPG")] == [
        (Path("a.png"), "a.png"),
        (Path("b.JPG"), "b.JPG"),
    ]
    assert [row.name for row in read("a.png")] == [""]


def test_folders_and_patterns_are_their_images_by_name(tmp_path: Path) -> None:
    for name in ("b.png", "a.jpg", "notes.txt"):
        (tmp_path / name).touch()
    assert rows(str(tmp_path)) == [tmp_path / "a.jpg", tmp_path / "b.png"]
    assert rows(f"{tmp_path}/*.png") == [tmp_path / "b.png"]


def test_a_folder_without_images_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="holds no images"):
        rows(str(tmp_path))


@pytest.mark.parametrize(
    ("stdin", "features", "expected"),
    [
        ([b'{"x": 1}\n'], NUMBER, [{"x": 1}]),
        ([b'{"x": 1}\n\n{"x"', b": 2}\n"], NUMBER, [{"x": 1}, {"x": 2}]),
        ([b"[0, 1]\n[2, 3]\n"], PAIR, [[0, 1], [2, 3]]),
        ([b"[0, 1]"], PAIR, [[0, 1]]),
        ([b"[[0, 1], [2, 3]]\n"], PAIR, [[0, 1], [2, 3]]),
        ([b"[\n1,\n", b"2]"], NUMBER, [1, 2]),
        ([b"", b"1"], NUMBER, []),
        ([b"\n \n"], NUMBER, []),
    ],
)
def test_standard_input_is_a_document_or_lines(
    stdin: list[bytes], features: tuple[Feature, ...], expected: list[Any]
) -> None:
    assert rows("-", stdin=stdin, features=features) == expected


def test_a_first_record_is_a_row_before_standard_input_ends() -> None:
    def read_block(_most: int) -> bytes:
        return given.pop(0)  # an IndexError where more is read than was needed

    given = [b'{"x": 1}\n{"x"']
    blocks = rows_of(["-"], Sources(read_block, lambda: NUMBER))
    assert [row.row for row in next(blocks)] == [{"x": 1}]


def test_a_json_file_is_a_document_and_lines_are_rows(tmp_path: Path) -> None:
    document, lines = tmp_path / "row.json", tmp_path / "rows.ndjson"
    document.write_text('{"x": 1}')
    lines.write_text('{"x": 2}\n')
    assert rows(str(document)) == [{"x": 1}]
    assert rows(str(lines)) == [{"x": 2}]
    assert rows(str(document), str(lines)) == [{"x": 1}, {"x": 2}]


def test_csv_is_a_file_or_standard_input(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("x\n1\n2.5\n")
    assert rows(str(tmp_path / "rows.csv")) == [{"x": 1}, {"x": 2.5}]
    sources = Sources(blocks_of(b"x\n1\n"), lambda: NUMBER, stdin_is_csv=True)
    assert [row.row for block in rows_of(["-"], sources) for row in block] == [{"x": 1}]


@pytest.mark.parametrize("arguments", [["[1,"], ["[NaN]"], ["age=59", "seven.png"], ["age=59", "age=60"]])
def test_arguments_that_make_no_sense_are_wrong_use(arguments: list[str]) -> None:
    with pytest.raises(WrongUse):
        rows_of(arguments, Sources(blocks_of(), lambda: NUMBER))


def test_a_broken_line_is_a_row_that_says_so(tmp_path: Path) -> None:
    lines = tmp_path / "rows.ndjson"
    lines.write_text("1\n\nnonsense\n2")
    found = read(str(lines))
    assert [row.row for row in found] == [1, None, 2]
    assert found[1].place == f"{lines}, line 3"
    assert "not JSON" in str(found[1].error)


def test_a_broken_first_line_of_standard_input_is_a_row_too() -> None:
    assert [row.error is None for row in read("-", stdin=[b"nonsense\n1\n"])] == [False, True]


@pytest.mark.parametrize(("name", "content"), [("row.json", b"\xff\xfe"), ("rows.csv", b"x\n\xff\n")])
def test_a_file_that_is_not_text_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput, match=name.replace(".", r"\.")):
        rows(str(tmp_path / name))


@pytest.mark.parametrize("name", ["row.json", "rows.ndjson", "rows.csv"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnreadableFile, match=r"rows?\..*No such file"):
        rows(str(tmp_path / name))


def test_the_model_is_asked_about_only_where_it_matters() -> None:
    def nobody() -> Sequence[Feature]:
        raise AssertionError("asked")

    features: Callable[[], Sequence[Feature]] = nobody
    for argument in ("x=1", '{"x": 1}', "1", "seven.png", "-"):
        assert list(rows_of([argument], Sources(blocks_of(b'{"x": 1}'), features)))
