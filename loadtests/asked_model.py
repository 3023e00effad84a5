"""What a running gateway says of its models: which there are, and how one is asked."""

import json
import urllib.error
import urllib.request

from penstock_client.messages import Address
from penstock_client.metadata import parse_metadata, parse_models

from loadtests.payloads import ServedModel
from serving.access.key_argument import OPTION, VARIABLE, key_headers

PATIENCE_SECONDS = 10.0
REMEDY = "is the gateway running? `make up` starts one"
KEY_REMEDY = f"; {OPTION} or {VARIABLE} names the key to ask with, which must be for the verbs predict and read"
NOT_LET_IN = (401, 403)


class NotServed(Exception):
    """There is no gateway, or it serves no such model."""


def ask_model(url: str, name: str | None = None, *, api_key: str | None = None) -> ServedModel:
    """The model `name` of the gateway at `url`, the last by name of those it lists when none is given.

    Of the models that `make up` trains that is digits, which takes rows, batches and images. Raises NotServed.
    """
    if name is None:
        names = parse_models(json.loads(_get(f"{url.rstrip('/')}/v1/models", api_key)))
        if not names:
            raise NotServed(f"{url} serves no model; `penstock train digits` publishes one")
        name = max(names)
    document = _get(f"{url.rstrip('/')}{Address(name).path}/metadata", api_key)
    return ServedModel(parse_metadata(json.loads(document)), document)


def _get(url: str, api_key: str | None) -> bytes:
    request = keyed_request(url, api_key)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a load test asks its server, no proxy
    try:
        with opener.open(request, timeout=PATIENCE_SECONDS) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as refused:
        said = refused.read()[:200].decode(errors="replace")
        remedy = KEY_REMEDY if refused.code in NOT_LET_IN else ""
        raise NotServed(f"{url} answered {refused.code}: {said}{remedy}") from refused
    except (OSError, ValueError) as error:
        raise NotServed(f"{url} cannot be asked ({error}); {REMEDY}") from error


def keyed_request(url: str, api_key: str | None) -> urllib.request.Request:
    """A GET that presents the key to this address, and to none that it is redirected to."""
    request = urllib.request.Request(url)  # noqa: S310 - the URL is whom the person at the keyboard wants to load
    for name, value in key_headers(api_key).items():
        request.add_unredirected_header(name, value)
    return request
