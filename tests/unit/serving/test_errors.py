"""The drawn tree in serving/errors.py against the classes beneath it."""

import inspect
import re

import pytest

from serving import errors

CLASSES = {
    name: kind
    for name, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.PenstockError) and "never raised itself" not in (kind.__doc__ or "")
}


def drawn_parents() -> dict[str, str]:
    """Each name in the drawing and the name it hangs from; four columns are one level."""
    parents, path = {}, ["PenstockError"]
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"([│ ]*)[├└]── (\w+)", line):
            level = len(found[1]) // 4 + 1
            path[level:] = [found[2]]
            parents[found[2]] = path[level - 1]
    return parents


def test_the_drawing_names_every_error_that_is_raised() -> None:
    assert drawn_parents().keys() == CLASSES.keys()


@pytest.mark.parametrize(("name", "parent"), drawn_parents().items())
def test_the_drawing_hangs_each_error_from_its_parent(name: str, parent: str) -> None:
    ancestors = [kind.__name__ for kind in CLASSES[name].__mro__[1:]]
    drawn = {"PenstockError", *drawn_parents()}
    assert next(ancestor for ancestor in ancestors if ancestor in drawn) == parent
