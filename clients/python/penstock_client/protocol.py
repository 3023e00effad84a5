"""Every call of the client as a flow: which requests it sends, in which order, and what it makes of the answers.

Pure but for its memory of versions: no sockets, no clock, and files only through the function handed in. How the
wire says it is the dialect's. A transport that can send a Request and hand back a Response has all of the client, be
it sync or async.
"""

from typing import Any

from penstock_client.dialect import Dialect
from penstock_client.errors import InvalidInput
from penstock_client.inputs import ReadFile, Rows, split_rows
from penstock_client.messages import Address, Flow, Request, Response
from penstock_client.metadata import ModelMetadata, VersionStatus
from penstock_client.prediction import Prediction
from penstock_client.predictions import AnsweredRows, Predictions


class Protocol:
    """The flows, and what they remember: each version's metadata, and which version last answered an address.

    A published version never changes, so its metadata is fetched once. Labels are always those of the version that
    answered, not of the one that was expected. Threads may share one: at worst two fetch the same metadata.
    """

    def __init__(self, dialect: Dialect, *, read_file: ReadFile) -> None:
        self._dialect = dialect
        self._read_file = read_file
        self._by_version: dict[tuple[str, int], ModelMetadata] = {}
        self._last_answered: dict[Address, int] = {}

    def predict(self, address: Address, inputs: Any) -> Flow[Prediction | Predictions]:
        expected = yield from self.described(address)
        rows = split_rows(inputs, expected.features)
        if rows.many and len(rows.instances) == 0:
            return Predictions(())
        answered = yield from self.predict_rows(address, rows)
        return Predictions((answered,)) if rows.many else answered.prediction(0)

    def predict_rows(self, address: Address, rows: Rows) -> Flow[AnsweredRows]:
        """One predict request for rows that are split already; of a longer list, a part."""
        expected = yield from self.described(address)
        request, response = yield from self._predicted(address, rows, expected)
        answered = yield from self._answered(address, response, expected)
        if answered.features != expected.features:
            # Named columns may have gone in the order of the version before, and been taken for others. The version
            # is named, as whoever routed the call might choose another now.
            by_number = Address(address.model, version=answered.version)
            if self._dialect.predict_request(address, rows, answered, self._read_file).body != request.body:
                _, response = yield from self._predicted(by_number, rows, answered)
        return self._dialect.read_predictions(response, answered, len(rows.instances))

    def _predicted(self, address: Address, rows: Rows, expected: ModelMetadata) -> Flow[tuple[Request, Response]]:
        try:
            request = self._dialect.predict_request(address, rows, expected, self._read_file)
            return request, (yield from self._ask(request))
        except InvalidInput as error:
            # The version may have changed to one with other features: look again before the next call.
            self._last_answered.pop(address, None)
            error.field = self._dialect.field_of(error.field, rows, expected)
            raise

    def metadata(self, address: Address) -> Flow[ModelMetadata]:
        metadata = self._dialect.read_metadata((yield from self._ask(self._dialect.metadata_request(address))))
        self._by_version[address.model, metadata.version] = metadata
        self._last_answered[address] = metadata.version
        return metadata

    def described(self, address: Address) -> Flow[ModelMetadata]:
        """The metadata of the version that last answered, asked for when none did yet."""
        version = address.version or self._last_answered.get(address, 0)
        known = self._by_version.get((address.model, version))
        return known or (yield from self.metadata(address))

    def status(self, address: Address) -> Flow[tuple[VersionStatus, ...]]:
        return self._dialect.read_status((yield from self._ask(self._dialect.status_request(address))))

    def models(self) -> Flow[list[str]]:
        return self._dialect.read_models((yield from self._ask(self._dialect.models_request())))

    def _ask(self, request: Request) -> Flow[Response]:
        response = yield request
        error = self._dialect.error_of(response)
        if error is not None:
            raise error
        return response

    def _answered(self, address: Address, response: Response, expected: ModelMetadata) -> Flow[ModelMetadata]:
        """The metadata of the version that answered, which is the expected one where the server does not say."""
        version = self._dialect.answered_version(response) or expected.version
        self._last_answered[address] = version
        if version == expected.version:
            return expected
        return (yield from self.described(Address(address.model, version=version)))
