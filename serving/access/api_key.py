"""What an API key looks like: `psk_<id>_<secret>`, and how it is kept.

Pure. The id is public: it names the key in lists and finds it among others. What is kept is SHA-256 of the whole text.
One round of it is right for these and would be wrong for passwords: a secret is 256 random bits, which nobody can try
out however fast the hash is, while a password is guessed from a list and needs one that is slow on purpose. And it is
paid for by every request.
"""

import base64
import hashlib

PREFIX = "psk_"
ID_BYTES, SECRET_BYTES = 4, 32
ID_CHARACTERS = 2 * ID_BYTES
ID_PLACE = slice(len(PREFIX), len(PREFIX) + ID_CHARACTERS)
KEY_CHARACTERS = len(PREFIX) + ID_CHARACTERS + 1 + 43
"""43 characters of base64url are 256 bits."""


def api_key(id_bytes: bytes, secret_bytes: bytes) -> str:
    """The text of a key from `ID_BYTES` and `SECRET_BYTES` random bytes."""
    secret = base64.urlsafe_b64encode(secret_bytes).decode().rstrip("=")
    return f"{PREFIX}{id_bytes.hex()}_{secret}"


def id_of(key: str) -> str:
    return key[ID_PLACE]


def digest_of(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
