"""Fetches an issuer's public keys: at start, every ten minutes, and soon after a token names one we have not.

I/O of a thread; what the keys say is `signing_keys.py`'s. While the issuer is away, the keys it had stay valid: an
outage there must not lock out who holds a good token.
"""

import asyncio
import ipaddress
import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from types import MappingProxyType
from urllib.parse import urlsplit

import httpx2
import orjson

from serving.access.signing_keys import SigningKeys, read_signing_keys
from serving.errors import IntegrityError, InvalidSettings, PenstockError

FETCH_SECONDS = 600.0
"""Issuers publish a new key well before they sign by it, and say minutes to hours for how long to remember a set."""
SOONEST_SECONDS = 10.0
"""Tokens with made-up key ids must not turn the gateway against its issuer."""
TIMEOUT_SECONDS = 10.0
MAX_DOCUMENT_BYTES = 256 * 1024
DISCOVERY = "/.well-known/openid-configuration"
_DIRECT: Mapping[str, None] = MappingProxyType({"all://localhost": None, "all://127.0.0.1": None, "all://[::1]": None})
_log = logging.getLogger(__name__)


class IssuerKeys:
    """`jwks_url` None: the issuer's OIDC discovery document says it. `healthy` is False until the last fetch was good.

    Raises InvalidSettings for an address that is neither https:// nor http:// of this machine.
    """

    def __init__(
        self,
        issuer: str,
        jwks_url: str | None,
        *,
        fetch_seconds: float = FETCH_SECONDS,
        soonest_seconds: float = SOONEST_SECONDS,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self.healthy = False
        self._issuer, self._jwks_url = issuer, jwks_url
        self._fetch_seconds, self._soonest_seconds = fetch_seconds, soonest_seconds
        self._timeout_seconds = timeout_seconds
        self._wanted, self._told = asyncio.Event(), ""
        try:
            _check_address(jwks_url or issuer)
        except IntegrityError as error:
            raise InvalidSettings(str(error)) from error

    def want(self) -> None:
        """A key is missed: fetches soon. Call it on the event loop."""
        self._wanted.set()

    async def keep(self, learn: Callable[[SigningKeys, bytes], None]) -> None:
        """Fetches forever, and hands over the keys and the document they were in."""
        while True:
            self._wanted.clear()
            await self.fetch(learn)
            await asyncio.sleep(self._soonest_seconds)
            if self.healthy:
                await self._until_wanted(self._fetch_seconds - self._soonest_seconds)

    async def fetch(self, learn: Callable[[SigningKeys, bytes], None]) -> None:
        """Once. What fails is logged, once, and leaves the keys as they are."""
        try:
            document = await _in_a_thread_of_its_own(self._fetch_keys)
            keys = read_signing_keys(document)
        except PenstockError as error:
            self.healthy = False
            if str(error) != self._told:
                self._told = str(error)
                _log.warning("%s; the keys it had stay valid", error, extra={"event": "issuer_keys_not_fetched"})
            return
        self.healthy, self._told = True, ""
        learn(keys, document)

    def _fetch_keys(self) -> bytes:
        deadline_seconds = time.monotonic() + self._timeout_seconds
        with httpx2.Client(timeout=self._timeout_seconds / 2, mounts=_DIRECT, follow_redirects=False) as http:
            url = self._jwks_url
            if url is None:
                found = _read(http, self._issuer.rstrip("/") + DISCOVERY, deadline_seconds)
                url = _discovered(found, self._issuer)
            return _read(http, url, deadline_seconds)

    async def _until_wanted(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wanted.wait()
        except TimeoutError:
            return


async def _in_a_thread_of_its_own(work: Callable[[], bytes]) -> bytes:
    """A thread of asyncio's pool would hold up the end of the process, as long as a name's look-up may take."""
    done: Future[bytes] = Future()
    done.set_running_or_notify_cancel()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            done.set_exception(error)

    try:
        threading.Thread(target=run, name="penstock-issuer", daemon=True).start()
    except RuntimeError as error:  # no more may be made: the next try is as near as after any other failure
        raise IntegrityError("the issuer's keys were not fetched: the process may make no more threads") from error
    return await asyncio.wrap_future(done)


def _discovered(document: bytes, issuer: str) -> str:
    """The address of the keys, by OpenID Connect Discovery 1.0, sections 4.1 to 4.3."""
    try:
        said = orjson.loads(document)
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, dict) or not isinstance(said.get("jwks_uri"), str):
        raise IntegrityError("the issuer's discovery document has no jwks_uri; name it in token_jwks_url")
    if said.get("issuer") != issuer:
        raise IntegrityError("the issuer's discovery document is another issuer's; set token_issuer as it says it")
    _check_address(said["jwks_uri"])
    return str(said["jwks_uri"])


def _read(http: httpx2.Client, url: str, deadline_seconds: float) -> bytes:
    """The body of a 200 as it came over the wire: never unpacked, so that its size is its size."""
    try:
        with http.stream("GET", url, headers={"Accept": "application/json", "Accept-Encoding": "identity"}) as answer:
            if answer.status_code != httpx2.codes.OK:
                raise IntegrityError(f"the issuer answered {answer.status_code} when asked for its keys, not 200")
            content = bytearray()
            for piece in answer.iter_raw():
                content += piece
                if len(content) > MAX_DOCUMENT_BYTES:
                    raise IntegrityError(f"the issuer's keys are more than {MAX_DOCUMENT_BYTES} bytes")
                if time.monotonic() > deadline_seconds:
                    raise IntegrityError("the issuer took too long to send its keys")
            return bytes(content)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise IntegrityError(f"the issuer does not answer when asked for its keys: {type(error).__name__}") from error


def _check_address(url: str) -> None:
    """Whoever can change the keys on their way can sign anything: only TLS, or this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise IntegrityError("the address of the issuer's keys is no URL") from None
    if not host or parts.username is not None or not (parts.scheme == "https" or _is_loopback(parts.scheme, host)):
        raise IntegrityError("the issuer's keys come from https:// only, or from http:// of this machine")


def _is_loopback(scheme: str, host: str) -> bool:
    if scheme != "http":
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
