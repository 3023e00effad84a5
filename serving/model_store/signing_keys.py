"""Files with the keys that manifests are signed by: a private one to sign, public ones to trust, in PEM."""

import argparse
import functools
import os
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from serving.contract.signing import key_id, sign_manifest
from serving.errors import InvalidSettings, PublishError
from serving.model_store.publishing import Sign

SIGNING_KEY_VARIABLE = "PENSTOCK_SIGNING_KEY"
OWNER_ALONE = 0o600
MAX_KEY_BYTES = 64 * 1024


def make_keys(private: Path) -> tuple[Path, str]:
    """Writes a new key to `private`, readable by its owner alone, and what others need to `private`.pub; that file and
    the key's id. Raises PublishError when either is there already, or cannot be written.
    """
    public = private.with_name(f"{private.name}.pub")
    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    shown = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    if public.exists():
        raise PublishError(f"{public} is there already; a key is never written over")
    for path, content, mode in ((private, secret, OWNER_ALONE), (public, shown, 0o644)):
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                file.write(content)
        except FileExistsError as error:
            raise PublishError(f"{path} is there already; a key is never written over") from error
        except OSError as error:
            raise PublishError(f"{path} cannot be written: {error.strerror}") from error
    return public, key_id(key.public_key())


def read_signing_key(path: Path) -> Ed25519PrivateKey:
    """Raises InvalidSettings when the file has no ed25519 key, or others can read it."""
    content = _read(path)
    if path.stat().st_mode & 0o077:
        raise InvalidSettings(f"{path}: others can read this private key; run: chmod 600 {path}")
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidSettings(f"{path}: this is no private key in PEM without a password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidSettings(f"{path}: this is a key of another kind than ed25519; make one: penstock models keygen")
    return key


def read_trusted_keys(paths: Sequence[Path]) -> dict[str, Ed25519PublicKey]:
    """The public keys by their ids. Raises InvalidSettings that names the file."""
    keys = {}
    for path in paths:
        try:
            key = load_pem_public_key(_read(path))
        except (ValueError, UnsupportedAlgorithm) as error:
            raise InvalidSettings(f"{path}: this is no public key in PEM") from error
        if not isinstance(key, Ed25519PublicKey):
            raise InvalidSettings(f"{path}: this is a key of another kind than ed25519")
        keys[key_id(key)] = key
    return keys


def chosen_signer(argument: Path | None) -> Sign | None:
    """Signs by the key that `--sign-with` or PENSTOCK_SIGNING_KEY names; None where neither does. Raises
    InvalidSettings, before any work is done.
    """
    named = argument or os.environ.get(SIGNING_KEY_VARIABLE)
    return functools.partial(sign_manifest, key=read_signing_key(Path(named))) if named else None


def add_signing_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sign-with",
        metavar="KEY",
        type=Path,
        help=f"sign the version with this private key (default: what {SIGNING_KEY_VARIABLE} names, if anything)",
    )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_KEY_BYTES)
    except OSError as error:
        raise InvalidSettings(f"{path}: {error.strerror}") from error
