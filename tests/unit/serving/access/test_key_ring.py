"""The keys of a file: who is known by them, and what happens to them when the file changes."""

import asyncio
import hashlib
import logging
from pathlib import Path

import pytest

from serving.access.api_key import api_key, digest_of
from serving.access.caller import Presented
from serving.access.key_ring import KeyRing
from serving.errors import InvalidSettings, Unauthenticated

ONE, TWO = api_key(b"\1\1\1\1", bytes(32)), api_key(b"\2\2\2\2", bytes(range(32)))
NOW = 1_800_000_000.0


def text_of(*keys: str, times: str = "") -> str:
    head = '[key.checkout]\nmodels = "*"\n'
    return head + "".join(
        f'[key.checkout.secret."{key[4:12]}"]\nsha256 = "{digest_of(key.encode()).hex()}"\n{times}\n' for key in keys
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keys.toml"
    path.write_text(text_of(ONE))
    path.chmod(0o600)
    return path


def ring_of(path: Path) -> KeyRing:
    return KeyRing(path, poll_seconds=0.01)


def look(ring: KeyRing, times: int = 1) -> None:
    for _ in range(times):
        asyncio.run(ring.look())


def known(ring: KeyRing, key: str | bytes, now_seconds: float = NOW) -> bool:
    presented = Presented(api_key=key.encode() if isinstance(key, str) else key)
    try:
        caller = ring.caller_of(presented, now_seconds)
    except Unauthenticated as error:
        if str(error) != "the API key is not valid":
            raise
        return False
    assert caller is not None
    return caller.name == "checkout"


def test_a_key_of_the_file_is_its_caller_and_nothing_else_is(path: Path) -> None:
    ring = ring_of(path)
    assert known(ring, ONE)
    other_secret = ONE[:-1] + ("B" if ONE[-1] == "A" else "A")
    wrong: list[str | bytes] = [TWO, other_secret, ONE[:-1], ONE + "A", "", "psk_01010101_", ONE.upper(), b"\xff" * 56]
    wrong += [ONE.replace("psk", "PSK"), f" {ONE}"[:56], hashlib.sha256(ONE.encode()).hexdigest()[:56]]
    assert [key for key in wrong if known(ring, key)] == []


def test_what_brings_no_key_is_not_its_kind(path: Path) -> None:
    assert ring_of(path).caller_of(Presented(token=b"x"), NOW) is None
    assert ring_of(path).caller_of(Presented(), NOW) is None


def test_a_secret_is_valid_from_its_first_moment_to_its_last(path: Path) -> None:
    path.write_text(text_of(ONE, times="not_before = 2027-01-15T08:00:00Z\nexpires = 2027-01-15T08:00:10Z"))
    ring = ring_of(path)
    assert [known(ring, ONE, NOW + second) for second in (-0.1, 0.0, 9.9, 10.0)] == [False, True, True, False]


def test_a_new_secret_is_known_beside_the_old_and_then_alone(path: Path) -> None:
    ring = ring_of(path)
    path.write_text(text_of(ONE, TWO))
    look(ring)
    assert (known(ring, ONE), known(ring, TWO), ring.generation) == (True, True, 2)
    path.write_text(text_of(TWO))
    look(ring)
    assert (known(ring, ONE), known(ring, TWO), ring.generation) == (False, True, 3)


def test_a_link_that_is_swapped_is_another_file(tmp_path: Path) -> None:
    """As Kubernetes changes a mounted Secret: keys.toml -> ..data/keys.toml, ..data -> a folder of the moment."""
    for name, key in (("first", ONE), ("second", TWO)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "keys.toml").write_text(text_of(key))
    (tmp_path / "..data").symlink_to("first")
    (tmp_path / "keys.toml").symlink_to("..data/keys.toml")

    ring = ring_of(tmp_path / "keys.toml")
    (tmp_path / "..next").symlink_to("second")
    (tmp_path / "..next").rename(tmp_path / "..data")
    look(ring)
    assert not known(ring, ONE)
    assert known(ring, TWO)


@pytest.mark.parametrize("broken", ["[key", "", 'a = "\x00"', text_of(ONE).replace("sha256", "sha1"), None])
def test_a_file_that_breaks_keeps_the_keys_there_were_and_says_so_once(
    path: Path, broken: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    ring = ring_of(path)
    path.unlink()
    if broken is not None:
        path.write_text(broken)
    look(ring, times=3)
    assert (known(ring, ONE), ring.healthy, ring.generation) == (True, False, 1)
    assert [record.levelname for record in caplog.records if record.levelno > logging.WARNING] == ["ERROR"]
    assert "the keys it had stay valid" in caplog.text
    path.write_text(text_of(TWO))
    look(ring)
    assert (known(ring, ONE), known(ring, TWO), ring.healthy, ring.generation) == (False, True, True, 2)


def test_what_stays_unreadable_is_told_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ring = ring_of(path)
    path.unlink()
    path.mkdir()
    look(ring, times=3)
    assert (known(ring, ONE), ring.healthy) == (True, False)
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_it_follows_by_itself(path: Path) -> None:
    ring = ring_of(path)
    path.write_text(text_of(TWO))

    async def followed() -> None:
        keeping = asyncio.create_task(ring.keep())
        async with asyncio.timeout(10):
            while ring.generation == 1:  # noqa: ASYNC110 - a ring tells nobody that it looked
                await asyncio.sleep(0)
        keeping.cancel()

    asyncio.run(followed())
    assert known(ring, TWO)


def test_the_same_keys_again_are_no_change(path: Path) -> None:
    ring = ring_of(path)
    path.write_text("# a comment\n" + text_of(ONE))
    look(ring)
    assert ring.generation == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "the key file 'keys.toml' is not there; make it with `penstock keys new NAME --file FILE`"),
        (b"", "the key file 'keys.toml': it is empty"),
        (b"\xff", "it is not UTF-8 text"),
        (b"#" * (16 * 1024 * 1024 + 1), "is larger than"),
    ],
)
def test_without_a_good_file_there_is_no_ring(path: Path, content: bytes | None, said: str) -> None:
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidSettings) as raised:
        ring_of(path)
    assert said in str(raised.value)
    assert str(path.parent) not in str(raised.value)


def test_a_folder_is_no_key_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="cannot be read"):
        ring_of(tmp_path)


@pytest.mark.parametrize(("mode", "warned"), [(0o600, []), (0o440, []), (0o604, ["WARNING"]), (0o602, ["WARNING"])])
def test_a_file_open_to_everybody_is_warned_of(
    path: Path,
    mode: int,
    warned: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    path.chmod(mode)
    ring_of(path)
    assert [record.levelname for record in caplog.records if "chmod o=" in record.getMessage()] == warned


def test_no_secret_is_in_a_line_or_a_repr(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    ring = ring_of(path)
    path.write_text(text_of(ONE, TWO))
    look(ring)
    path.write_text(text_of(ONE).replace('sha256 = "', f'sha256 = "{ONE}'))
    look(ring)
    assert not known(ring, ONE[:-1] + "-")
    told = [caplog.text, repr(ring), repr(ring.__dict__), repr(Presented(ONE.encode(), TWO.encode()))]
    digest = digest_of(ONE.encode())
    assert [
        text for text in told for secret in (ONE[13:], TWO[13:], digest.hex(), repr(digest)) if secret in text
    ] == []
