from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.answering.answer_cache import DIGEST_BYTES, AnswerCache, CacheKey, KeptAnswer, bytes_of, digest_of
from serving.contract.tensors import Array


def strings(*values: bytes) -> Array:
    array: Array = np.empty(len(values), object)
    array[:] = values
    return array


def answer(values: int, fill: float = 0.0) -> KeptAnswer:
    return KeptAnswer({"value": np.full((values, 1), fill, np.float32)}, all_finite=True)


def key(number: int, version: int = 1) -> CacheKey:
    return CacheKey(version, "serving_default", number.to_bytes(DIGEST_BYTES, "big"))


ZERO: Array = np.zeros(2, np.float32)
DIFFERENT: list[dict[str, Array]] = [
    {"x": ZERO},
    {"y": ZERO},
    {"x": np.array([-0.0, -0.0], np.float32)},
    {"x": ZERO.astype(np.float64)},
    {"x": ZERO.view(np.int32)},
    {"x": ZERO.reshape(1, 2)},
    {"x": ZERO.reshape(2, 1)},
    {"x": np.zeros(3, np.float32)},
    {"x": np.zeros(0, np.float32)},
    {"x": ZERO, "y": ZERO},
    {"x": np.array([np.nan, 0], np.float32)},
    {"x": strings(b"ab", b"c")},
    {"x": strings(b"a", b"bc")},
    {"x": strings(b"abc")},
    {"x": strings(b"")},
]


def test_whatever_differs_in_a_bit_has_another_digest() -> None:
    assert len({digest_of(inputs) for inputs in DIFFERENT}) == len(DIFFERENT)
    assert {len(digest_of(inputs)) for inputs in DIFFERENT} == {DIGEST_BYTES}


@pytest.mark.parametrize("inputs", DIFFERENT, ids=str)
def test_order_of_names_and_layout_in_memory_say_nothing(inputs: dict[str, Array]) -> None:
    reversed_order = {name: np.asfortranarray(array) for name, array in reversed(inputs.items())}
    assert digest_of(reversed_order) == digest_of(inputs)
    wide = {name: np.repeat(array, 2, axis=0)[::2] if array.ndim else array for name, array in inputs.items()}
    assert digest_of(wide) == digest_of(inputs)


def test_what_was_kept_is_found_as_it_was_and_cannot_be_changed() -> None:
    cache, batch = AnswerCache(10_000), answer(5, 2.0)
    cache.put(key(1), KeptAnswer({"value": batch.outputs["value"][1:2]}, all_finite=False))
    found = cache.get(key(1))
    assert found is not None
    batch.outputs["value"][:] = 9.0
    assert (found.outputs["value"].tolist(), found.all_finite) == ([[2.0]], False)
    with pytest.raises(ValueError, match="read-only"):
        found.outputs["value"][0] = 1.0
    assert cache.get(key(2)) is None


def test_the_one_asked_for_longest_ago_makes_room() -> None:
    cache = AnswerCache(2 * bytes_of(answer(8)))
    cache.put(key(1), answer(8))
    cache.put(key(2), answer(8))
    cache.get(key(1))
    cache.put(key(3), answer(8))
    assert [cache.get(key(number)) is not None for number in (1, 2, 3)] == [True, False, True]


def test_an_answer_larger_than_the_cache_empties_nothing() -> None:
    cache = AnswerCache(bytes_of(answer(8)))
    cache.put(key(1), answer(8))
    cache.put(key(2), answer(9))
    assert (cache.get(key(2)), len(cache)) == (None, 1)


def test_strings_count_with_their_bytes() -> None:
    assert bytes_of(KeptAnswer({"x": strings(b"a" * 1000)}, all_finite=True)) > 1000


def test_versions_that_went_are_forgotten() -> None:
    cache = AnswerCache(10_000)
    for version in (1, 2, 3):
        cache.put(key(1, version), answer(8))
    cache.keep_versions({2})
    assert ([cache.get(key(1, version)) is not None for version in (1, 2, 3)]) == [False, True, False]
    assert cache.nbytes == bytes_of(answer(8))


STEPS = st.lists(st.tuples(st.sampled_from(["get", "put", "keep"]), st.integers(0, 5), st.integers(0, 300)))


@given(steps=STEPS)
def test_it_is_never_larger_than_it_may_and_counts_every_byte(steps: list[tuple[str, int, int]]) -> None:
    cache, most = AnswerCache(2000), 2000
    model: OrderedDict[CacheKey, KeptAnswer] = OrderedDict()
    for step, number, size in steps:
        named = key(number, version=number % 2)
        if step == "put":
            cache.put(named, answer(size))
            if bytes_of(answer(size)) <= most:
                model.pop(named, None)
                model[named] = answer(size)
            while sum(map(bytes_of, model.values())) > most:
                model.popitem(last=False)
        elif step == "get":
            assert (cache.get(named) is not None) is (named in model)
            if named in model:
                model.move_to_end(named)
        else:
            cache.keep_versions({number % 2})
            model = OrderedDict((k, kept) for k, kept in model.items() if k.version == number % 2)
        assert (len(cache), cache.nbytes) == (len(model), sum(map(bytes_of, model.values())))
    assert all(cache.get(named) is not None for named in model)
