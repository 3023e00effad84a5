"""`penstock keys`: what it prints where, and what it does to the file that gateways follow."""

import contextlib
import json
import re
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.access.api_key import digest_of, id_of
from serving.access.caller import Presented, Verb
from serving.access.key_file import parse_keys
from serving.access.key_ring import KeyRing
from serving.errors import InvalidSettings, PenstockError, Unauthenticated
from serving.keys_verb import run
from serving.model_store.lock import claimed

LATER = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
Keys = Callable[..., str]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.toml"


@pytest.fixture
def keys(path: Path, capsys: pytest.CaptureFixture[str]) -> Keys:
    """Runs the verb; gives what went to stdout, and keeps what went to stderr for `capsys` no more."""

    def ran(*arguments: str) -> str:
        assert run([*arguments, "--file", str(path)]) == 0
        return capsys.readouterr().out

    return ran


def valid(path: Path, key: str, now_seconds: float = LATER) -> bool:
    try:
        return KeyRing(path, poll_seconds=1).caller_of(Presented(api_key=key.strip().encode()), now_seconds) is not None
    except Unauthenticated:
        return False


def test_a_new_key_is_on_stdout_alone_and_in_the_file_only_as_its_hash(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["new", "shop", "--file", str(path)]) == 0
    printed = capsys.readouterr()
    assert re.fullmatch(r"psk_[0-9a-f]{8}_[A-Za-z0-9_-]{43}\n", printed.out)
    key = printed.out.strip()
    assert "will not be shown again" in printed.err
    assert key[13:] not in printed.err + path.read_text()
    assert digest_of(key.encode()).hex() in path.read_text()
    assert valid(path, key)


def test_two_keys_have_nothing_in_common(keys: Keys) -> None:
    one, two = keys("new", "one"), keys("new", "two")
    assert id_of(one) != id_of(two)
    assert one[13:] != two[13:]


def test_what_a_key_may_do_stands_in_the_file(path: Path, keys: Keys) -> None:
    keys(
        "new", "shop", "--models", "digits, diabetes", "--verbs", "predict,metrics", "--rows-per-second", "500",
        "--concurrent-requests", "8", "--expires", "2027-01-31", "--note", 'the "shop" — Zoë',
    )  # fmt: skip
    shop = parse_keys(path.read_text()).key["shop"]
    assert shop.models == ("digits", "diabetes")
    assert shop.verbs == (Verb.PREDICT, Verb.METRICS)
    assert (shop.rows_per_second, shop.concurrent_requests) == (500, 8)
    assert shop.note == 'the "shop" — Zoë'
    (secret,) = shop.secret.values()
    assert secret.expires == datetime(2027, 1, 31, tzinfo=UTC)


def test_days_are_counted_from_now(path: Path, keys: Keys) -> None:
    keys("new", "shop", "--expires", "90d")
    (secret,) = parse_keys(path.read_text()).key["shop"].secret.values()
    assert secret.created
    assert secret.expires
    assert (secret.expires - secret.created).days == 90


def test_rotating_keeps_the_old_secret_until_it_is_revoked(path: Path, keys: Keys) -> None:
    old = keys("new", "shop")
    new = keys("rotate", "shop")
    assert (valid(path, old), valid(path, new)) == (True, True)
    assert keys("revoke", id_of(old)) == f"revoked the secret {id_of(old)} of shop, which has {id_of(new)} left\n"
    assert (valid(path, old), valid(path, new)) == (False, True)


def test_rotating_may_drop_the_old_secrets_at_once(path: Path, keys: Keys) -> None:
    old = keys("new", "shop")
    new = keys("rotate", "shop", "--drop-old")
    assert (valid(path, old), valid(path, new)) == (False, True)


def test_a_rotated_secret_lives_as_long_as_the_one_before(path: Path, keys: Keys) -> None:
    keys("new", "shop", "--expires", "30d")
    new = keys("rotate", "shop")
    secret = parse_keys(path.read_text()).key["shop"].secret[id_of(new)]
    assert secret.expires
    assert secret.created
    assert (secret.expires - secret.created).days == 30


def test_a_revoked_name_is_gone_with_all_its_secrets_and_the_file_stays_one(path: Path, keys: Keys) -> None:
    old, new = keys("new", "shop"), keys("rotate", "shop")
    keys("revoke", "shop")
    assert (valid(path, old), valid(path, new)) == (False, False)
    assert keys("list") == "there are no keys yet\n"


def test_a_leaked_key_is_revoked_by_itself(path: Path, keys: Keys) -> None:
    key = keys("new", "shop")
    assert key[13:].strip() not in keys("revoke", key.strip())
    assert not valid(path, key)
    assert keys("list").splitlines()[1].split()[:2] == ["shop", "-"]


def test_the_list_has_a_line_for_each_secret_and_shows_none(path: Path, keys: Keys) -> None:
    one = keys("new", "shop", "--models", "digits", "--rows-per-second", "2.5", "--expires", "2099-12-31")
    two = keys("rotate", "shop")
    three = keys("new", "board", "--verbs", "read,metrics", "--note", "on the wall")
    path.write_text(path.read_text().replace("2099-12-31", "2001-12-31", 1))
    lines = keys("list").splitlines()
    assert lines[0].split() == ["NAME", "ID", "MODELS", "VERBS", "ROWS/S", "AT", "ONCE", "VALID", "(UTC)", "NOTE"]
    assert re.split(r"  +", lines[1]) == [
        "shop", id_of(one), "digits", "predict,read", "2.5", "-", "expired 2001-12-31 00:00",
    ]  # fmt: skip
    assert re.split(r"  +", lines[3]) == ["board", id_of(three), "*", "read,metrics", "-", "-", "always", "on the wall"]
    facts = json.loads(keys("list", "--json"))["keys"]
    assert [(fact["name"], [secret["id"] for secret in fact["secrets"]]) for fact in facts] == [
        ("shop", [id_of(one), id_of(two)]),
        ("board", [id_of(three)]),
    ]
    shown = "\n".join(lines) + json.dumps(facts)
    assert [
        key for key in (one, two, three) if key[13:].strip() in shown or digest_of(key.strip().encode()).hex() in shown
    ] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["new", "shop"], "there is a key 'shop' already; `penstock keys rotate shop` makes a new secret"),
        (["new", "a b"], "a name is letters, digits"),
        (["new", "x", "--models", "../y"], "key.x.models: no models; write a list of their names"),
        (["new", "x", "--verbs", "admin"], "key.x.verbs.0: Input should be 'predict', 'read' or 'metrics'"),
        (["new", "x", "--rows-per-second", "nan"], "key.x.rows_per_second: Input should be"),
        (["new", "x", "--concurrent-requests", "0"], "key.x.concurrent_requests: Input should be greater than"),
        (["new", "x", "--expires", "2001-01-01"], "--expires 2001-01-01 has passed"),
        (["new", "x", "--note", "a\nb"], "key.x.note: not printable; write one line"),
        (["rotate", "nobody"], "there is no key 'nobody'; there are: shop"),
        (["revoke", "nobody"], "no key has the name or id 'nobody'; there are: shop"),
    ],
)
def test_what_cannot_be_done_says_why_and_leaves_the_file_as_it_was(
    path: Path, keys: Keys, arguments: list[str], said: str
) -> None:
    keys("new", "shop")
    before = path.read_bytes()
    with pytest.raises(PenstockError) as raised:
        keys(*arguments)
    assert said in str(raised.value)
    assert path.read_bytes() == before


@pytest.mark.parametrize("expires", ["soon", "0d", "-5d", "2027-13-01", "99999d9", ""])
def test_a_moment_that_is_none_is_wrong_use(keys: Keys, expires: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        keys("new", "x", f"--expires={expires}")
    assert raised.value.code == 2
    assert "write 2027-01-31, or days from now as 90d" in capsys.readouterr().err


def test_the_file_is_its_owners_alone_or_as_open_as_it_was_made(path: Path, keys: Keys) -> None:
    (path.parent / f".{path.name}.tmp").write_text("left, and open to everybody")
    keys("new", "shop")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    keys("rotate", "shop")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_to_the_file_stays_one(tmp_path: Path, path: Path, keys: Keys) -> None:
    (tmp_path / "real").mkdir()
    path.symlink_to("real/keys.toml")
    keys("new", "shop")
    assert path.is_symlink()
    assert valid(tmp_path / "real" / "keys.toml", keys("rotate", "shop"))


def test_two_at_once_do_not_lose_a_key(path: Path, keys: Keys) -> None:
    keys("new", "shop")
    with claimed(path.with_name(".keys.toml.lock")), pytest.raises(InvalidSettings, match="run it again"):
        keys("new", "other")


@pytest.mark.parametrize("content", [None, "[key", "\0"])
def test_a_file_that_is_missing_or_broken_is_not_written_over(path: Path, keys: Keys, content: str | None) -> None:
    if content is not None:
        path.write_text(content)
        with pytest.raises(InvalidSettings, match=r"the key file 'keys\.toml': it is not TOML"):
            keys("new", "shop")
        assert path.read_text() == content
    for arguments in (["list"], ["rotate", "shop"], ["revoke", "shop"]):
        with pytest.raises(InvalidSettings, match=r"key file 'keys\.toml'"):
            keys(*arguments)


def test_without_a_folder_there_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="there is no folder"):
        run(["new", "shop", "--file", str(tmp_path / "none" / "keys.toml")])


def test_the_file_is_keys_toml_here_unless_another_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.chdir(tmp_path):
        run(["new", "shop"])
    assert valid(tmp_path / "keys.toml", capsys.readouterr().out)
