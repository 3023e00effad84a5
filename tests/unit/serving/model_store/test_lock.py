import threading
from pathlib import Path

import pytest

from serving.contract.model_directory import model_paths
from serving.errors import UnknownModel
from serving.model_store.lock import claimed, locked


def test_a_claim_is_refused_at_once_while_another_holds_it(tmp_path: Path) -> None:
    with claimed(tmp_path / "lock") as first, claimed(tmp_path / "lock") as second:
        assert (first, second) == (True, False)


def test_a_refused_claim_leaves_the_holder_its_lock(tmp_path: Path) -> None:
    with claimed(tmp_path / "lock"):
        with claimed(tmp_path / "lock"):
            pass
        with claimed(tmp_path / "lock") as third:
            assert not third


def test_a_claim_is_free_again_after_its_holder(tmp_path: Path) -> None:
    with claimed(tmp_path / "lock"):
        pass
    with claimed(tmp_path / "lock") as again:
        assert again


def test_the_second_waits_for_the_first(tmp_path: Path) -> None:
    paths = model_paths(tmp_path, "digits")
    paths.root.mkdir()
    order: list[str] = []

    def second() -> None:
        with locked(paths):
            order.append("second")

    with locked(paths):
        waiting = threading.Thread(target=second)
        waiting.start()
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]


def test_a_model_without_a_folder_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match="no model 'digits'"), locked(model_paths(tmp_path, "digits")):
        pass
