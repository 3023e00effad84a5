"""Every call of the client as a flow: which requests it sends, in which order, and what it makes of the answers.

Pure but for its memory of versions: no sockets, no clock, and files only through the function handed in. A
transport that can send a Request and hand back a Response has all of the client, be it sync or async.
"""

import json
import math
from typing import Any

from penstock_client.error_answers import error_from
from penstock_client.errors import InvalidInput
from penstock_client.inputs import ReadFile, Rows, render_instances, split_rows
from penstock_client.messages import Address, Flow, Request, Response
from penstock_client.metadata import (
    ModelMetadata,
    VersionStatus,
    parse_metadata,
    parse_models,
    parse_status,
    reading,
)
from penstock_client.prediction import Prediction, read_prediction


class Protocol:
    """The flows, and what they remember: each version's metadata, and which version last answered an address.

    A published version never changes, so its metadata is fetched once. Labels are always those of the version that
    answered, not of the one that was expected. Threads may share one: at worst two fetch the same metadata.
    """

    def __init__(self, *, timeout_seconds: float, read_file: ReadFile) -> None:
        self._timeout_seconds = timeout_seconds
        self._read_file = read_file
        self._by_version: dict[tuple[str, int], ModelMetadata] = {}
        self._last_answered: dict[Address, int] = {}

    def predict(self, address: Address, inputs: Any) -> Flow[Prediction | list[Prediction]]:
        expected = yield from self._described(address)
        rows = split_rows(inputs, expected.features)
        if rows.many and len(rows.instances) == 0:
            return []
        response = yield self._predict_request(address, rows)
        try:
            body = parse_body(response)
        except InvalidInput:
            # The version may have changed to one with other features: look again before the next call.
            self._last_answered.pop(address, None)
            raise
        answered = yield from self._answered(address, response, expected)
        predictions = read_predictions(body, answered, response.headers.get("x-request-id"), len(rows.instances))
        return predictions if rows.many else predictions[0]

    def metadata(self, address: Address) -> Flow[ModelMetadata]:
        response = yield Request("GET", f"{address.path}/metadata")
        metadata = parse_metadata(parse_body(response))
        self._by_version[address.model, metadata.version] = metadata
        self._last_answered[address] = metadata.version
        return metadata

    def status(self, address: Address) -> Flow[tuple[VersionStatus, ...]]:
        response = yield Request("GET", address.path)
        return parse_status(parse_body(response))

    def models(self) -> Flow[list[str]]:
        response = yield Request("GET", "/v1/models")
        return parse_models(parse_body(response))

    def _described(self, address: Address) -> Flow[ModelMetadata]:
        version = address.version or self._last_answered.get(address, 0)
        known = self._by_version.get((address.model, version))
        return known or (yield from self.metadata(address))

    def _answered(self, address: Address, response: Response, expected: ModelMetadata) -> Flow[ModelMetadata]:
        """The metadata of the version that answered; plain TensorFlow Serving does not say which one did."""
        with reading("the X-Model-Version header"):
            version = int(response.headers.get("x-model-version", expected.version))
        self._last_answered[address] = version
        if version == expected.version:
            return expected
        return (yield from self._described(Address(address.model, version=version)))

    def _predict_request(self, address: Address, rows: Rows) -> Request:
        """The gateway is told how long this side waits, so that it skips work nobody waits for any more."""
        headers = {
            "content-type": "application/json",
            "x-request-timeout-ms": str(math.ceil(self._timeout_seconds * 1000)),
        }
        return Request("POST", f"{address.path}:predict", headers, render_instances(rows, self._read_file))


def parse_body(response: Response) -> Any:
    """The JSON of a good answer; raises the error that any other stands for."""
    if response.status != 200:
        raise error_from(response)
    with reading("the answer"):
        return json.loads(response.body)


def read_predictions(body: Any, metadata: ModelMetadata, request_id: str | None, rows: int) -> list[Prediction]:
    with reading("the prediction"):
        answers = body["predictions"]
        if len(answers) != rows:
            raise ValueError(f"{len(answers)} predictions for {rows} rows")
        return [read_prediction(row, metadata, request_id) for row in answers]
