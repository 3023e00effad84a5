import json
from collections.abc import Callable
from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.contract.features import CategoryFeature, ImageFeature, NumberFeature, TensorFeature, TextFeature
from serving.contract.manifest import (
    Classification,
    Export,
    GoldenExample,
    Histogram,
    Manifest,
    Regression,
    Tolerance,
    parse_manifest,
    render_manifest,
)
from serving.contract.tensors import Signature, TensorSpec
from serving.errors import IntegrityError

NAMES = st.text(max_size=6)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(st.none() | st.booleans() | st.integers() | FINITE | NAMES, lambda part: st.lists(part, max_size=3))
SIZES = st.lists(st.none() | st.integers(0, 9), max_size=3).map(tuple)
RANGES = st.tuples(FINITE, FINITE).map(sorted).map(tuple)
FEATURES = st.one_of(
    st.builds(NumberFeature, name=NAMES, unit=NAMES, range=st.none() | RANGES),
    st.builds(CategoryFeature, name=NAMES, vocabulary=st.lists(NAMES, max_size=2).map(tuple)),
    st.builds(TextFeature, name=NAMES, default=st.none() | NAMES),
    st.builds(ImageFeature, name=NAMES, shape=st.tuples(st.integers(1, 9), st.integers(1, 9))),
    st.builds(TensorFeature, name=NAMES, shape=SIZES),
)
SPECS = st.builds(TensorSpec, name=NAMES, dtype=st.sampled_from(["float32", "string"]), row_shape=SIZES).map(
    lambda spec: (spec,)
)
TOLERANCE = st.builds(Tolerance, absolute=st.floats(0, 1), relative=st.floats(0, 1))
FIELDS = st.fixed_dictionaries(
    {
        "version": st.integers(min_value=1),
        "description": NAMES,
        "features": st.lists(FEATURES, min_size=1, max_size=3).map(tuple),
        "outputs": st.builds(Classification, labels=st.tuples(NAMES, NAMES)) | st.builds(Regression, target=NAMES),
        "signatures": st.dictionaries(NAMES, st.builds(Signature, inputs=SPECS, outputs=SPECS), max_size=2),
        "golden_examples": st.builds(
            GoldenExample, instance=JSON, outputs=st.dictionaries(NAMES, JSON, max_size=2), tolerance=TOLERANCE
        ).map(lambda example: (example,)),
        "sketches": st.dictionaries(
            NAMES, st.builds(Histogram, edges=st.tuples(FINITE, FINITE), counts=st.tuples(st.integers()))
        ),
        "export": st.builds(
            Export,
            profile=st.sampled_from(["cpu", "gpu"]),
            allowed_batch_rows=st.sets(st.integers(1, 99)).map(sorted).map(tuple),
            tolerance=TOLERANCE,
        ),
        "created_at": st.datetimes(timezones=st.just(UTC)),
    }
)


@settings(deadline=None)
@given(fields=FIELDS)
def test_what_is_rendered_parses_to_the_same_manifest(
    manifest_with: Callable[..., Manifest], fields: dict[str, object]
) -> None:
    manifest = manifest_with(**fields)
    assert parse_manifest(render_manifest(manifest)) == manifest


@pytest.mark.parametrize(
    ("damage", "field"),
    [
        ({"version": 0}, "version"),
        ({"version": "one"}, "version"),
        ({"schema_version": 2}, "schema_version"),
        ({"features": []}, "features"),
        ({"features": [{"kind": "sound", "name": "x"}]}, "features/0"),
        ({"features": [{"kind": "number", "name": 3}]}, "features/0/number/name"),
        ({"outputs": {"task": "classification", "labels": ["only one"]}}, "outputs/classification/labels"),
        ({"metrics": {"test": {"mae": None}, "baseline": {}}}, "metrics/test/mae"),
        ({"created_at": "2030-01-02T00:00:00"}, "created_at"),
        ({"export": {"allowed_batch_rows": [8, 1]}}, "export/allowed_batch_rows"),
        ({"vesion": 3}, "vesion"),
    ],
)
def test_a_damaged_manifest_names_its_first_wrong_field(
    manifest_with: Callable[..., Manifest], damage: dict[str, object], field: str
) -> None:
    text = json.dumps({**manifest_with().model_dump(mode="json"), **damage}).encode()
    with pytest.raises(IntegrityError, match=f"^manifest.json: {field}: "):
        parse_manifest(text)


@pytest.mark.parametrize("field", ["model", "version", "features", "outputs", "lineage", "created_at"])
def test_a_missing_field_is_named(manifest_with: Callable[..., Manifest], field: str) -> None:
    document = manifest_with().model_dump(mode="json")
    del document[field]
    with pytest.raises(IntegrityError, match=f"{field}: Field required"):
        parse_manifest(json.dumps(document).encode())


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_a_file_that_is_no_manifest_at_all_says_so(text: bytes) -> None:
    with pytest.raises(IntegrityError, match="the file"):
        parse_manifest(text)


@settings(deadline=None)
@given(text=st.binary(max_size=40))
def test_any_bytes_are_a_manifest_or_an_integrity_error(text: bytes) -> None:
    with pytest.raises(IntegrityError):
        parse_manifest(text)


def test_publishing_changes_number_files_and_moment_only(manifest_with: Callable[..., Manifest]) -> None:
    staged = manifest_with()
    published = staged.published(4, {"saved_model.pb": "ab"}, staged.created_at)
    assert published == manifest_with(version=4, files={"saved_model.pb": "ab"})


def test_the_task_is_its_outputs_kind(manifest_with: Callable[..., Manifest]) -> None:
    assert manifest_with().task == "regression"
    assert manifest_with(outputs=Classification(labels=("a", "b"))).task == "classification"


@pytest.mark.parametrize("masked", ["nothing", "plain", "mask"])
def test_a_mask_of_what_is_not_filled_up_is_refused(manifest_with: Callable[..., Manifest], masked: str) -> None:
    tokens, plain = TensorFeature(name="tokens", shape=(None,), pad_value=0.0), TensorFeature(name="plain")
    mask = TensorFeature(name="mask", shape=(None,), mask_of="tokens")
    manifest = manifest_with(features=(tokens, plain, mask))
    assert parse_manifest(render_manifest(manifest)) == manifest
    other = render_manifest(manifest).replace(b'"mask_of": "tokens"', b'"mask_of": "%s"' % masked.encode())
    with pytest.raises(IntegrityError, match=f"feature mask masks {masked}, which is no feature with a pad_value"):
        parse_manifest(other)
