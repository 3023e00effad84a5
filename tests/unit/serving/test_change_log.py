"""What the log says of what changes in what is served."""

from collections.abc import Mapping

import pytest

from serving.catalog import EMPTY, CatalogView, ModelEntry, Servable
from serving.change_log import Change, changes
from serving.model_store.label_following import Following


def view(live: Mapping[str, tuple[int, ...]], labels: Mapping[str, int] | None = None) -> CatalogView:
    """Every model has the same labels."""
    return CatalogView(
        {
            model: ModelEntry({}, {v: Servable(model, v, None, {}) for v in versions}, {}, Following(labels or {}))
            for model, versions in live.items()
        }
    )


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (EMPTY, EMPTY, []),
        (EMPTY, view({"digits": (1,)}), ["model digits version 1 is live"]),
        (
            view({"digits": (1,)}),
            view({"digits": (2,)}),
            ["model digits version 2 is live", "model digits version 1 is gone"],
        ),
        (view({"b": (1,), "a": (1,)}), EMPTY, ["model a version 1 is gone", "model b version 1 is gone"]),
        (
            view({"digits": (1, 2)}, {"stable": 1}),
            view({"digits": (1, 2)}, {"stable": 2}),
            ["model digits: the label stable is version 2's"],
        ),
        (
            view({"digits": (1,)}, {"canary": 1}),
            view({"digits": (1,)}),
            ["model digits: the label canary is gone"],
        ),
    ],
)
def test_what_changed_is_told_once(before: CatalogView, after: CatalogView, told: list[str]) -> None:
    assert [str(change) for change in changes(before, after)] == told
    assert list(changes(after, after)) == []


def test_a_change_has_its_facts_apart() -> None:
    (change,) = changes(view({"digits": (1,)}), view({"digits": (1,)}, {"stable": 1}))
    assert change == Change("label_moved", "digits", 1, "stable")
