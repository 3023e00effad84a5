"""The calls that a client has, as steps; the sync client and the async one run the same.

No sockets: a runner does the steps.
"""

from dataclasses import replace
from random import random
from typing import Any

from penstock_client.bulk import chunk_flow
from penstock_client.bulk_cutting import Chunk
from penstock_client.bulk_patience import patient
from penstock_client.call_options import CallOptions
from penstock_client.dialect import Dialect
from penstock_client.exchanges import Exchanges
from penstock_client.files import read_file
from penstock_client.messages import Address
from penstock_client.metadata import ModelMetadata, VersionStatus
from penstock_client.prediction import Prediction
from penstock_client.predictions import AnsweredRows, Predictions
from penstock_client.protocol import Protocol
from penstock_client.settings import ClientSettings
from penstock_client.steps import Steps


class Calls:
    def __init__(self, dialect: Dialect, settings: ClientSettings) -> None:
        self._protocol = Protocol(dialect, read_file=read_file)
        self._exchanges = Exchanges(dialect, settings)
        self._retries = settings.retries
        self._now = settings.clock.now

    def predict(self, address: Address, inputs: Any, options: CallOptions) -> Steps[Prediction | Predictions]:
        return self._exchanges.steps(self._protocol.predict(address, inputs), options, hedge_by=address)

    def describe(self, address: Address, options: CallOptions) -> Steps[ModelMetadata]:
        """The metadata as far as it is known, asked for only when it is not."""
        return self._exchanges.steps(self._protocol.described(address), options)

    def predict_chunk(self, address: Address, chunk: Chunk, options: CallOptions) -> Steps[AnsweredRows]:
        """One request of a large batch; a request id of the caller's is told apart by the chunk's number."""
        if options.request_id is not None:
            options = replace(options, request_id=f"{options.request_id}-{chunk.index}")

        def ask() -> Steps[AnsweredRows]:
            return self._exchanges.steps(chunk_flow(self._protocol, address, chunk), options)

        return ask() if self._retries is None else patient(ask, self._retries, chance=random, now=self._now)

    def metadata(self, address: Address, options: CallOptions) -> Steps[ModelMetadata]:
        return self._exchanges.steps(self._protocol.metadata(address), options)

    def status(self, address: Address, options: CallOptions) -> Steps[tuple[VersionStatus, ...]]:
        return self._exchanges.steps(self._protocol.status(address), options)

    def models(self, options: CallOptions) -> Steps[list[str]]:
        return self._exchanges.steps(self._protocol.models(), options)
