from collections.abc import Iterator

import pytest

from tests.unit.serving.observability.workers import Workers, two_workers


@pytest.fixture
def workers() -> Iterator[Workers]:
    """Two workers that have not begun."""
    both = two_workers()
    yield both
    both.close()
