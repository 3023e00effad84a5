"""Callers by bearer tokens of one issuer: JSON Web Tokens (RFC 7519), verified as RFC 8725 advises.

What a token may do stands in its `scope` (RFC 8693, 4.2; every OAuth issuer can be told to put words there):
`penstock:predict`, `penstock:read` and `penstock:metrics` are its verbs, `penstock:model:NAME` its models, and
`penstock:model:*` all of them. A token without any of these may do nothing.
"""

import base64
import hashlib
import logging
import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import jwt
import orjson

from serving.access.caller import Caller, Presented, Quota, Verb
from serving.access.jwks import IssuerKeys
from serving.access.signing_keys import SigningKeys
from serving.errors import Unauthenticated

LEEWAY_SECONDS = 30.0
"""How far the issuer's clock and this machine's may lie apart."""
MAX_TOKEN_BYTES = 8192
MAX_HEADER_BYTES = 1024
MAX_SIGNATURE_BYTES = 1400
"""8192 bits in base64url, and a little."""
MAX_NAME_CHARACTERS = 128
MAX_REMEMBERED = 10_000
"""Of some 800 bytes each. A token that was verified is known again by its SHA-256."""
NOT_VALID = "the token is not valid"
MODEL_SCOPE = "penstock:model:"
VERB_OF_SCOPE: Mapping[str, Verb] = MappingProxyType({f"penstock:{verb}": verb for verb in Verb})
CHECKED: Any = MappingProxyType(
    {
        "require": ["exp", "iss", "aud", "sub"],
        "verify_exp": False,  # by our own clock, below
        "verify_nbf": False,
        "verify_iat": False,
        "enforce_minimum_key_length": True,
    }
)
_log = logging.getLogger(__name__)


class TokenVerifier:
    """`jwks_url` None: found by the issuer's OIDC discovery. No I/O here: keys are fetched by `keep`.

    `healthy` is False while the issuer's keys could not be fetched; those it had verify meanwhile. `quota` is each
    caller's, whose name is the token's `sub`. `generation` is raised each time the keys are others.
    """

    source = "tokens"

    def __init__(
        self, issuer: str, audience: str, *, jwks_url: str | None, quota: Quota, keys: IssuerKeys | None = None
    ) -> None:
        self.generation = 1
        self._issuer, self._audience, self._quota = issuer, audience, quota
        self._issuer_keys = keys or IssuerKeys(issuer, jwks_url)
        self._keys: SigningKeys = {}
        self._document = b""
        self._remembered: dict[bytes, Caller] = {}

    @property
    def healthy(self) -> bool:
        return self._issuer_keys.healthy

    async def keep(self) -> None:
        """Fetches the issuer's keys and follows them, forever."""
        await self._issuer_keys.keep(self.learn)

    def learn(self, keys: SigningKeys, document: bytes) -> None:
        """Verifies by these keys from now on; whatever others verified is forgotten."""
        if document != self._document:
            self._keys, self._document = keys, document
            self._remembered.clear()
            self.generation += 1
            _log.info("the issuer's keys changed", extra={"event": "issuer_keys_changed"})

    def caller_of(self, presented: Presented, now_seconds: float) -> Caller | None:
        """About 1 us for a token that came before, 100 to 300 for a new one, 5 to 80 to refuse a forged one."""
        token = presented.token
        if token is None:
            return None
        if len(token) > MAX_TOKEN_BYTES:
            raise _refused("it is too long")
        digest = hashlib.sha256(token).digest()
        caller = self._remembered.get(digest)
        if caller is None:
            caller = self._verified(token, now_seconds)
            if len(self._remembered) >= MAX_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[digest] = caller
        elif caller.expires_at_seconds is not None and caller.expires_at_seconds <= now_seconds:
            del self._remembered[digest]
            raise _refused("it expired")
        return caller

    def _verified(self, token: bytes, now_seconds: float) -> Caller:
        try:
            key = self._key_that_signed(token)
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                issuer=self._issuer,
                audience=self._audience,
                options=CHECKED,
            )
        except (jwt.PyJWTError, ValueError) as error:
            raise _refused(type(error).__name__) from None
        expires_at = _moment(claims["exp"]) + LEEWAY_SECONDS
        if not now_seconds < expires_at:
            raise _refused("it expired")
        if _moment(claims.get("nbf", 0)) - LEEWAY_SECONDS > now_seconds:
            raise _refused("it is not valid yet")
        words = list(_scopes(claims))
        return Caller(
            _name(claims["sub"]),
            frozenset(VERB_OF_SCOPE[word] for word in words if word in VERB_OF_SCOPE),
            frozenset(word.removeprefix(MODEL_SCOPE) for word in words if word.startswith(MODEL_SCOPE)),
            self._quota,
            expires_at,
        )

    def _key_that_signed(self, token: bytes) -> jwt.PyJWK:
        """The key fixes the algorithm; what the token says of it only has to agree.

        PyJWT reads every byte of a token, one by one, before it looks at the signature: half a millisecond of a long
        one. This looks at the signature first, so that who has no key costs us little; PyJWT then has the last word.
        """
        head, _, rest = token.partition(b".")
        payload, _, signature = rest.partition(b".")
        if len(head) > MAX_HEADER_BYTES or len(signature) > MAX_SIGNATURE_BYTES:
            raise _refused("a part of it is too long")
        header = orjson.loads(_unpacked(head))
        named: Any = (header.get("kid"), header.get("alg")) if isinstance(header, dict) else (None, None)
        known = isinstance(named[0], str | None) and isinstance(named[1], str)
        key = self._keys.get(named) if known else None
        if key is None:
            self._issuer_keys.want()
            raise _refused("no key of the issuer has its id and algorithm")
        if not key.Algorithm.verify(head + b"." + payload, key.key, _unpacked(signature)):
            raise _refused("its signature is wrong")
        return key


def _unpacked(part: bytes) -> bytes:
    return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))


def _refused(reason: str) -> Unauthenticated:
    """The reason is for the operator; a caller is told nothing to learn from, and the token is nobody's to read."""
    _log.debug("a token was refused: %s", reason, extra={"event": "token_refused"})
    return Unauthenticated(NOT_VALID)


def _moment(claim: object) -> float:
    """Of NumericDate (RFC 7519, 2). JSON as Python reads it has NaN and infinity, which no comparison is safe with."""
    try:
        moment = float(claim) if isinstance(claim, int | float) and not isinstance(claim, bool) else math.nan
    except OverflowError:
        moment = math.nan
    if not math.isfinite(moment):
        raise _refused("a moment in it is no number")
    return moment


def _scopes(claims: Mapping[str, Any]) -> Iterator[str]:
    scope = claims.get("scope")
    return iter(scope.split(" ") if isinstance(scope, str) else ())


def _name(subject: object) -> str:
    if isinstance(subject, str) and 0 < len(subject) <= MAX_NAME_CHARACTERS and subject.isprintable():
        return subject
    raise _refused("its sub is no name of 1 to 128 printable characters")
