"""The file of keys: what may stand in it, what its faults say, and that writing and reading agree."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.access.api_key import api_key, digest_of, id_of
from serving.access.caller import Quota, Verb
from serving.access.key_file import (
    MODEL_NAME,
    Key,
    KeyFile,
    Secret,
    format_keys,
    known_secrets,
    parse_keys,
)
from serving.contract import model_directory
from serving.errors import InvalidSettings

KEY = api_key(bytes(4), bytes(range(32)))
SHA = digest_of(KEY.encode()).hex()
TEXT = f"""
[key.checkout]
models = ["digits", "diabetes"]
verbs = ["predict"]
rows_per_second = 500
concurrent_requests = 8
note = "the shop"

[key.checkout.secret.00000000]
sha256 = "{SHA}"
not_before = 2026-01-01T00:00:00Z
expires = 2027-01-01T01:00:00+01:00

[key.board]
models = "*"
"""


def test_a_key_is_its_prefix_its_id_and_256_bits() -> None:
    assert KEY == "psk_00000000_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    assert len(KEY) == 56
    assert id_of(KEY) == "00000000"


def test_a_file_gives_callers_by_id() -> None:
    known = known_secrets(parse_keys(TEXT))[b"00000000"]
    assert known.digest == digest_of(KEY.encode())
    assert known.not_before_seconds == datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    assert known.caller.name == "checkout"
    assert known.caller.models == {"digits", "diabetes"}
    assert known.caller.verbs == {Verb.PREDICT}
    assert known.caller.quota == Quota(500.0, 8)
    assert known.caller.expires_at_seconds == datetime(2027, 1, 1, tzinfo=UTC).timestamp()


def test_without_verbs_a_key_may_predict_and_read_and_a_star_is_every_model() -> None:
    board = parse_keys(TEXT).key["board"]
    assert board.verbs == (Verb.PREDICT, Verb.READ)
    assert board.models == "*"


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        (
            "rows_per_second = 500",
            "rows_per_second = 0",
            "key.checkout.rows_per_second: Input should be greater than 0",
        ),
        ("rows_per_second = 500", 'rows_per_second = "5"', "key.checkout.rows_per_second: Input should be a valid num"),
        (
            "rows_per_second = 500",
            "rows_per_second = true",
            "key.checkout.rows_per_second: Input should be a valid num",
        ),
        (
            "rows_per_second = 500",
            "rows_per_second = inf",
            "key.checkout.rows_per_second: Input should be a finite num",
        ),
        ("concurrent_requests = 8", "concurrent_requests = 0", "key.checkout.concurrent_requests: Input should be gre"),
        ('verbs = ["predict"]', 'verbs = ["admin"]', "key.checkout.verbs.0: Input should be 'predict', 'read' or"),
        (
            'models = "*"',
            'models = "digits"',
            'key.board.models: no models; write a list of their names, as ["digits"]',
        ),
        ('models = "*"', "", "key.board.models: it is missing; add it"),
        ('models = "*"', 'models = ["../x"]', "key.board.models: no models"),
        ('models = "*"', 'model = "*"', "key.board.model: no such setting here; remove it"),
        (SHA, SHA.upper(), "key.checkout.secret.00000000.sha256: String should match pattern"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00", "secret.00000000.not_before: no moment; write it without quo"),
        ("2026-01-01T00:00:00Z", '"2026-01-01T00:00:00Z"', "not_before: no moment; write it without quotes"),
        ("2026-01-01T00:00:00Z", "1767225600", "not_before: no moment; write it without quotes"),
        ("2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z", "key.checkout.secret.00000000: it expires before it is valid"),
        ("[key.board]", '[key."a b"]', "key: a name is letters, digits"),
        ("secret.00000000", "secret.nine", "key.checkout.secret: a secret is named by its id"),
        ("the shop", "the\\u001bshop", "key.checkout.note: not printable"),
        (
            'models = "*"',
            'models = "*"\n[key.board.secret.00000000]\nsha256="' + SHA + '"',
            "the id 00000000 stands tw",
        ),
        ("[key.board]", "[keys.board]", "keys: no such setting here"),
        ("[key.board]", "[key.board", "it is not TOML (at line 14, column 11); mend that line"),
        (TEXT, "  \n", "it is empty; make a key with `penstock keys new NAME`"),
    ],
)
def test_a_fault_names_its_place_and_the_remedy(was: str, becomes: str, said: str) -> None:
    with pytest.raises(InvalidSettings) as raised:
        parse_keys(TEXT.replace(was, becomes))
    assert said in str(raised.value)


def test_all_faults_are_told_together() -> None:
    with pytest.raises(InvalidSettings, match=r"rows_per_second.*; .*key\.board\.models"):
        parse_keys(TEXT.replace("= 500", "= -1").replace('"*"', "7"))


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace(SHA, KEY),
        TEXT.replace(f'sha256 = "{SHA}"', f'key = "{KEY}"'),
        TEXT.replace("00000000", KEY),
        TEXT.replace("[key.board]", f"[key.{KEY}"),
        TEXT.replace("[key.board]", f"[key.board]\n{KEY} = 1"),
        TEXT.replace("[key.board]", f'[key.checkout.secret."{KEY}"]\n[key.checkout.secret."{KEY}"]'),
        TEXT.replace('"*"', f'"{KEY}"'),
        TEXT.replace('"*"', f'["{KEY} "]'),
    ],
)
def test_a_secret_written_where_it_does_not_belong_is_not_told(text: str) -> None:
    with pytest.raises(InvalidSettings) as raised:
        parse_keys(text)
    told = [str(raised.value), repr(raised.value), repr(raised.value.__cause__)]
    assert [line for line in told if KEY[16:] in line] == []


def test_what_is_known_of_a_secret_does_not_show_it() -> None:
    keys = parse_keys(TEXT)
    known = known_secrets(keys)[b"00000000"]
    assert SHA not in repr(keys)
    assert SHA not in repr(known)
    assert repr(known.digest) not in repr(known)


def test_models_are_named_as_in_the_model_directory() -> None:
    assert MODEL_NAME.pattern == model_directory.MODEL_NAME.pattern


moments = st.none() | st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001 - a zone is added
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
secrets = st.builds(
    lambda digest, created, begins: Secret(
        sha256=digest.hex(), created=created, not_before=begins, expires=begins and begins + timedelta(days=1)
    ),
    st.binary(min_size=32, max_size=32),
    moments,
    moments,
)
keys = st.builds(
    Key,
    models=st.just("*") | st.lists(st.sampled_from(["digits", "_a.b-c", "0" * 128]), max_size=3).map(tuple),
    verbs=st.lists(st.sampled_from(Verb), max_size=3).map(tuple),
    rows_per_second=st.none() | st.floats(1e-300, 1e300),
    concurrent_requests=st.none() | st.integers(1, 10**9),
    note=st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), max_size=20),
    secret=st.just({}),
)


NAMES = ["a", "B-9_x", "1.2.3", "team@example.org", "z" * 64]


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(NAMES), keys, max_size=3), st.lists(secrets, max_size=4))
def test_what_is_written_is_read_as_it_was(named: dict[str, Key], some: list[Secret]) -> None:
    names = list(named)
    for number, secret in enumerate(some if names else []):
        name = names[number % len(names)]
        named[name] = named[name].model_copy(update={"secret": {**named[name].secret, f"{number:08x}": secret}})
    file = KeyFile(key=named)
    assert parse_keys(format_keys(file)) == file


@settings(max_examples=50)
@given(st.text(st.characters(codec="utf-8"), max_size=40) | st.just("[key.a]\nmodels = " + "[" * 3000))
def test_any_text_is_keys_or_a_fault(text: str) -> None:
    try:
        parse_keys(text)
    except InvalidSettings as error:
        assert str(error)  # noqa: PT017 - any other error fails the test
