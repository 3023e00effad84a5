"""What a running gateway says of its models: which there are, and how one is asked."""

import json
import urllib.error
import urllib.request

from penstock_client.messages import Address
from penstock_client.metadata import parse_metadata, parse_models

from loadtests.payloads import ServedModel

PATIENCE_SECONDS = 10.0
REMEDY = "is the gateway running? `make up` starts one"


class NotServed(Exception):
    """There is no gateway, or it serves no such model."""


def ask_model(url: str, name: str | None = None) -> ServedModel:
    """The model `name` of the gateway at `url`, the last by name of those it lists when none is given.

    Of the models that `make up` trains that is digits, which takes rows, batches and images. Raises NotServed.
    """
    if name is None:
        names = parse_models(json.loads(_get(f"{url.rstrip('/')}/v1/models")))
        if not names:
            raise NotServed(f"{url} serves no model; `penstock train digits` publishes one")
        name = max(names)
    document = _get(f"{url.rstrip('/')}{Address(name).path}/metadata")
    return ServedModel(parse_metadata(json.loads(document)), document)


def _get(url: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a load test asks its server, no proxy
    try:
        with opener.open(url, timeout=PATIENCE_SECONDS) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as refused:
        raise NotServed(f"{url} answered {refused.code}: {refused.read()[:200].decode(errors='replace')}") from refused
    except (OSError, ValueError) as error:
        raise NotServed(f"{url} cannot be asked ({error}); {REMEDY}") from error
