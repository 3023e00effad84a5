"""Files of numpy's own format: what is written here numpy reads, and so do we."""

from io import BytesIO

import numpy as np
import pytest

from serving.contract.tensors import Array
from serving.preprocessing.npy import read_npy, write_npy


@pytest.mark.parametrize(
    "array",
    [
        np.arange(30, dtype=np.float32).reshape(3, 10),
        np.arange(6).reshape(2, 3)[:, ::-1],
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array([[True], [False]]),
        np.zeros((0, 4), np.float16),
        np.array([[b"ab", b"c"]]),
    ],
)
def test_a_file_that_was_written_is_read_as_it_was(array: Array) -> None:
    for _ in range(2):  # the second time its head is known
        written = write_npy(array)
        for read in (np.load(BytesIO(written)), read_npy(written)):
            assert read.dtype == array.dtype
            np.testing.assert_array_equal(read, array)


def test_objects_are_not_written() -> None:
    with pytest.raises(ValueError, match="objects"):
        write_npy(np.array([b"a"], object))
