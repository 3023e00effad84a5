"""Rows from files in folders named after their class."""

from pathlib import Path

import pytest

from serving.errors import InvalidInput, InvalidJob
from training.data.folder import read_folder
from training.data.spec import FolderSpec
from training.feature_spec import TrainableFeature, TrainableImage, TrainableNumber, TrainableText

PICTURE = TrainableImage(name="picture", shape=(2, 2))
LETTER = TrainableText(name="letter", encode="tf_idf", max_tokens=9)


def written(root: Path, files: dict[str, bytes]) -> FolderSpec:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return FolderSpec(source="folder", path=str(root))


def test_class_is_the_folders_name(tmp_path: Path) -> None:
    spec = written(tmp_path, {"dog/1.png": b"woof", "cat/1.png": b"meow", "cat/.hidden": b"", "README": b"x"})
    dataset = read_folder(spec, [PICTURE])
    assert dataset.columns["picture"].tolist() == [b"meow", b"woof"]
    assert dataset.target.tolist() == ["cat", "dog"]
    assert dataset.held_out is None


def test_texts_are_read_as_text_and_a_test_folder_names_the_test_rows(tmp_path: Path) -> None:
    dataset = read_folder(written(tmp_path, {"test/neg/1.txt": b"bad", "train/pos/1.txt": "größe".encode()}), [LETTER])
    assert dataset.columns["letter"].tolist() == ["bad", "größe"]
    assert dataset.held_out is not None
    assert dataset.held_out.tolist() == [True, False]


@pytest.mark.parametrize(
    ("files", "features", "error", "told"),
    [
        ({}, [PICTURE], InvalidJob, "no files in folders named after their class"),
        ({"loose.png": b""}, [PICTURE], InvalidJob, "no files in folders named after their class"),
        ({"a/1": b""}, [PICTURE, LETTER], InvalidJob, "one feature, an image or a text"),
        ({"a/1": b""}, [TrainableNumber(name="x")], InvalidJob, "one feature, an image or a text"),
        ({"a/1.txt": b"\xff"}, [LETTER], InvalidInput, r"a/1\.txt is not UTF-8"),
    ],
)
def test_what_cannot_be_read_is_named(
    tmp_path: Path,
    files: dict[str, bytes],
    features: list[TrainableFeature],
    error: type[Exception],
    told: str,
) -> None:
    with pytest.raises(error, match=told):
        read_folder(written(tmp_path, files), features)
