import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.backend_protocol import Target, VersionState, VersionStatus
from serving.backends.in_memory import InMemoryBackend
from serving.catalog import EMPTY, Catalog, CatalogView, Manifests, ModelReference, Servable, build_view
from serving.contract.features import NumberFeature, TensorFeature
from serving.contract.manifest import Export, Manifest
from serving.contract.model_directory import model_paths
from serving.contract.tensors import Signature, TensorSpec
from serving.errors import InvalidInput, ModelNotReady, PenstockError, UnknownModel, UnknownVersion
from serving.model_store.snapshot import DirectorySnapshot, ModelOnDisk
from tests.doubles import publish_in_miniature
from tests.unit.serving.gateway_parts import LIVE, Parts, doubled, started_parts

AVAILABLE, LOADING, END = VersionState.AVAILABLE, VersionState.LOADING, VersionState.END
SIGNATURE = Signature((TensorSpec("x", "float32", ()),), ())


def view_of(
    states: Mapping[int, VersionState | str],
    labels: Mapping[str, int],
    unread: Sequence[int] = (),
    before: CatalogView = EMPTY,
) -> CatalogView:
    """A view of the model `m`; a text for a state is the reason why the version failed to load."""
    statuses = {
        version: VersionStatus(END, {}, state) if type(state) is str else VersionStatus(VersionState(state), {})
        for version, state in states.items()
    }
    manifests: Manifests = {("m", version): None for version in states if version not in unread}
    on_disk = DirectorySnapshot({"m": ModelOnDisk(tuple(states), labels)})
    return build_view({"m": statuses}, on_disk, manifests, before=before)


@pytest.mark.parametrize(
    ("states", "labels", "reference", "version"),
    [
        ({1: AVAILABLE, 2: AVAILABLE}, {}, ModelReference("m"), 2),
        ({9: AVAILABLE, 10: AVAILABLE}, {}, ModelReference("m"), 10),
        ({1: AVAILABLE, 2: LOADING}, {}, ModelReference("m"), 1),
        ({1: AVAILABLE, 2: AVAILABLE}, {"stable": 1}, ModelReference("m"), 1),
        ({1: AVAILABLE, 2: AVAILABLE}, {"canary": 1}, ModelReference("m"), 2),
        ({1: AVAILABLE, 2: AVAILABLE}, {"stable": 1}, ModelReference("m", version=2), 2),
        ({1: AVAILABLE, 2: AVAILABLE}, {"canary": 1}, ModelReference("m", label="canary"), 1),
    ],
)
def test_the_version_that_answers(
    states: dict[int, VersionState], labels: dict[str, int], reference: ModelReference, version: int
) -> None:
    assert view_of(states, labels).resolve(reference).version == version


@pytest.mark.parametrize(
    ("reference", "error", "message"),
    [
        (ModelReference("other"), UnknownModel, "Could not find any versions of model other"),
        (ModelReference("m", version=7), UnknownVersion, "Could not find version 7 of model m"),
        (ModelReference("m", version=0), UnknownVersion, "Could not find version 0 of model m"),
        (ModelReference("m", label="x"), UnknownVersion, "Unrecognized servable version label: x"),
        (ModelReference("m"), ModelNotReady, "version 8 of model m is not available (not loaded)"),
        (ModelReference("m", version=2), ModelNotReady, "version 2 of model m is not available (LOADING)"),
        (ModelReference("m", version=3), ModelNotReady, "version 3 of model m is not available (END: no graph)"),
        (
            ModelReference("m", version=4),
            ModelNotReady,
            "version 4 of model m is not available (its manifest cannot be read)",
        ),
    ],
)
def test_what_does_not_answer_says_why(reference: ModelReference, error: type[PenstockError], message: str) -> None:
    states = {1: AVAILABLE, 2: LOADING, 3: "no graph", 4: AVAILABLE}
    with pytest.raises(PenstockError) as refused:
        view_of(states, {"stable": 8}, unread=[4]).resolve(reference)
    assert (type(refused.value), str(refused.value)) == (error, message)


def test_a_model_on_disk_that_is_not_loaded_yet_is_not_ready() -> None:
    view = build_view({}, DirectorySnapshot({"m": ModelOnDisk((1,), {})}), {})
    with pytest.raises(ModelNotReady, match="no version of model m is live yet"):
        view.resolve(ModelReference("m"))


def test_a_label_that_moves_answers_with_its_last_version_until_the_new_one_is_live() -> None:
    stable, unnamed = ModelReference("m", label="stable"), ModelReference("m")
    view = view_of({1: AVAILABLE, 3: AVAILABLE}, {"stable": 1})
    for states, unread in (
        ({1: AVAILABLE, 3: AVAILABLE}, []),
        ({1: AVAILABLE, 2: LOADING}, []),
        ({1: AVAILABLE, 2: "no graph"}, []),
        ({1: AVAILABLE, 2: AVAILABLE}, [2]),
    ):
        view = view_of(states, {"stable": 2}, unread, view)
        assert (view.resolve(stable).version, view.resolve(unnamed).version) == (1, 1)
        assert view.entry("m").moving() == {"stable": 2}
    view = view_of({1: AVAILABLE, 2: AVAILABLE}, {"stable": 2}, before=view)
    assert (view.resolve(stable).version, view.resolve(unnamed).version) == (2, 2)
    assert view.entry("m").moving() == {}


def test_a_first_stable_that_is_not_loaded_takes_no_request_away_from_the_newest() -> None:
    view = view_of({2: AVAILABLE}, {"stable": 1}, before=view_of({2: AVAILABLE}, {}))
    assert view.resolve(ModelReference("m")).version == 2
    with pytest.raises(ModelNotReady, match="version 1 of model m is not available"):
        view.resolve(ModelReference("m", label="stable"))


STATES = st.dictionaries(st.integers(1, 5), st.sampled_from(VersionState), max_size=5)
LABELS = st.dictionaries(st.sampled_from(["stable", "canary"]), st.integers(1, 6))
REFERENCES = st.builds(
    ModelReference,
    st.sampled_from(["m", "other"]),
    st.none() | st.integers(0, 6),
    st.none() | st.sampled_from(["stable", "canary", "x"]),
)


@settings(deadline=None)
@given(states=STATES, labels=LABELS, unread=st.lists(st.integers(1, 5)), reference=REFERENCES)
def test_only_an_available_version_with_a_known_manifest_ever_answers(
    states: dict[int, VersionState], labels: dict[str, int], unread: list[int], reference: ModelReference
) -> None:
    try:
        servable = view_of(states, labels, unread).resolve(reference)
    except (UnknownModel, UnknownVersion, ModelNotReady):
        return
    assert states[servable.version] is AVAILABLE
    assert servable.version not in unread


def test_a_target_is_a_signature_the_version_has() -> None:
    servable = Servable("m", 1, None, {"serving_default": SIGNATURE})
    assert servable.target("serving_default") == Target("m", 1, "serving_default")
    with pytest.raises(InvalidInput, match="no signature 'classify'; it has serving_default") as refused:
        servable.target("classify")
    assert refused.value.pointer == "/signature_name"


def test_the_manifest_describes_the_default_signature_and_no_other(manifest_with: Callable[..., Manifest]) -> None:
    signatures = {"serving_default": SIGNATURE, "raw": SIGNATURE}
    raw = (TensorFeature(name="x"),)
    assert Servable("m", 1, manifest_with(), signatures).features("serving_default") == (NumberFeature(name="x"),)
    assert Servable("m", 1, manifest_with(), signatures).features("raw") == raw
    assert Servable("m", 1, None, signatures).features("serving_default") == raw


def test_only_the_signature_that_the_manifest_describes_has_fixed_sizes(manifest_with: Callable[..., Manifest]) -> None:
    signatures = {"serving_default": SIGNATURE, "classify": SIGNATURE}
    compiled = Servable("m", 1, manifest_with(export=Export(profile="gpu", allowed_batch_rows=(1, 8))), signatures)
    assert compiled.plan("serving_default").rules.allowed_rows == (1, 8)
    assert compiled.plan("classify").rules.allowed_rows == ()
    assert Servable("m", 1, manifest_with(), signatures).plan("serving_default").rules.allowed_rows == ()
    assert Servable("m", 1, None, signatures).plan("serving_default").rules.allowed_rows == ()


def renewed(models: Path, damage: Callable[[], object]) -> tuple[Parts, CatalogView]:
    """The parts after a second look at a directory that was damaged in between, and the first view."""

    async def work() -> tuple[Parts, CatalogView]:
        parts = await started_parts(models)
        before = parts.catalog.view
        damage()
        await parts.catalog.renew()
        return parts, before

    return asyncio.run(work())


def test_a_look_that_finds_nothing_new_keeps_the_view_itself(
    tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]
) -> None:
    write_version(manifest_with(version=1))
    parts, before = renewed(tmp_path / "models", lambda: None)
    assert parts.catalog.view is before


def test_labels_that_move_are_seen_at_the_next_look(
    tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]
) -> None:
    write_version(manifest_with(version=1))
    write_version(manifest_with(version=2))
    labels = tmp_path / "models/doubles/labels.json"
    parts, before = renewed(tmp_path / "models", lambda: labels.write_text('{"stable": 1}'))
    assert before.resolve(ModelReference("doubles")).version == 2
    assert parts.catalog.view.resolve(ModelReference("doubles")).version == 1


def test_a_directory_that_vanishes_takes_no_model_away(
    tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]
) -> None:
    write_version(manifest_with())
    models = tmp_path / "models"
    parts, before = renewed(models, lambda: models.rename(tmp_path / "away"))
    assert parts.catalog.view.resolve(ModelReference("doubles")) == before.resolve(ModelReference("doubles"))


def test_a_version_with_a_damaged_manifest_takes_no_traffic(
    tmp_path: Path,
    write_version: Callable[[Manifest], None],
    manifest_with: Callable[..., Manifest],
    caplog: pytest.LogCaptureFixture,
) -> None:
    write_version(manifest_with(version=1))
    (tmp_path / "models/doubles/2/assets.extra").mkdir(parents=True)
    (tmp_path / "models/doubles/2/assets.extra/manifest.json").write_text("{")
    parts, _ = renewed(tmp_path / "models", lambda: None)
    assert parts.catalog.view.resolve(ModelReference("doubles")).version == 1
    assert "model doubles version 2 takes no traffic" in caplog.text


def looks(models: Path, *damages: Callable[[], object]) -> list[Manifest | str | None]:
    """What describes `doubles` 1 at each look of a catalog whose backend has its models from elsewhere: first as it
    is, then after each of `damages`. "none" where it takes no traffic.
    """

    async def work() -> list[Manifest | str | None]:
        backend = InMemoryBackend(LIVE, doubled)
        catalog = Catalog(models, backend, 1.0, folders_elsewhere=True)
        await backend.start(catalog.renew)
        seen: list[Manifest | str | None] = []
        for damage in (lambda: None, *damages):
            damage()
            await catalog.renew()
            servable = catalog.view.models["doubles"].servables.get(1)
            seen.append(servable.manifest if servable else "none")
        return seen

    return asyncio.run(work())


def test_a_version_that_has_no_folder_here_is_served_raw_until_it_has_one(
    tmp_path: Path, manifest_with: Callable[..., Manifest]
) -> None:
    models, manifest = tmp_path / "models", manifest_with()
    seen = looks(models, lambda: publish_in_miniature(models, manifest), lambda: models.rename(tmp_path / "away"))
    assert seen == [None, manifest, manifest]


def test_a_version_with_a_folder_and_a_damaged_manifest_is_not_served_raw(
    tmp_path: Path, manifest_with: Callable[..., Manifest]
) -> None:
    publish_in_miniature(tmp_path / "models", manifest_with())
    model_paths(tmp_path / "models", "doubles").version(1).manifest.write_bytes(b"{")
    assert looks(tmp_path / "models") == ["none"]


def test_a_model_that_was_live_once_is_remembered(
    tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]
) -> None:
    write_version(manifest_with())

    async def work() -> tuple[frozenset[str], CatalogView]:
        parts = await started_parts(tmp_path / "models")
        await parts.backend.close()
        await parts.catalog.renew()
        return parts.catalog.been_live, parts.catalog.view

    been_live, view = asyncio.run(work())
    assert been_live == {"doubles"}
    assert not view.entry("doubles").servables


@pytest.mark.parametrize("turns", range(4))
def test_who_waits_for_another_view_can_be_stopped_at_the_moment_it_comes(
    turns: int, tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]
) -> None:
    """`turns` of the event loop after it came: a stop that is lost there holds up the gateway's end for good."""

    async def keep(catalog: Catalog) -> None:
        while True:
            await catalog.another_view(catalog.view, 3600.0)

    async def stopped() -> bool:
        backend = InMemoryBackend(LIVE, doubled)
        catalog = Catalog(tmp_path / "models", backend, 1.0)
        task = asyncio.create_task(keep(catalog))
        await asyncio.sleep(0)
        await backend.start(catalog.renew)
        write_version(manifest_with())
        await catalog.renew()
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=10.0)
        task.cancel()
        return task in done

    assert asyncio.run(stopped())
