import pytest

from serving.batching.events import Lane
from serving.batching.lane_names import LANES, lane_named, lane_of_level
from serving.errors import InvalidInput


def test_every_lane_has_its_word_whatever_its_case() -> None:
    assert LANES == {"high": Lane.HIGH, "normal": Lane.NORMAL, "batch": Lane.BATCH}
    assert lane_named(" High ") is Lane.HIGH


@pytest.mark.parametrize("text", ["", "urgent", "1", "x" * 1000])
def test_another_word_is_refused_by_the_headers_name(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"^X-Priority is '.{0,32}'; high, normal, batch are expected$"):
        lane_named(text)


@pytest.mark.parametrize(
    ("level", "lane"), [(0, None), (1, Lane.HIGH), (2, Lane.NORMAL), (3, Lane.BATCH), (2**63, Lane.BATCH)]
)
def test_the_protocols_levels_fall_from_one(level: int, lane: Lane | None) -> None:
    assert lane_of_level(level) is lane


@pytest.mark.parametrize("level", [-1, 1.0, "1", True, None])
def test_what_is_no_level_is_refused_by_its_place(level: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        lane_of_level(level)
    assert refused.value.pointer == "/parameters/priority"
