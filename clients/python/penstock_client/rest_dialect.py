"""The client's calls as TensorFlow Serving's REST, with the additions of Penstock's gateway. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from penstock_client import npy
from penstock_client.error_answers import error_from
from penstock_client.errors import PenstockError
from penstock_client.inputs import ReadFile, Rows, render_instances
from penstock_client.messages import Address, Request, Response
from penstock_client.metadata import (
    ModelMetadata,
    VersionStatus,
    parse_metadata,
    parse_models,
    parse_status,
    reading,
)
from penstock_client.number_rows import npy_body
from penstock_client.predictions import AnsweredRows, Column, columns_of, read_answered
from penstock_client.timing import read_timing


class RestDialect:
    """Implements `penstock_client.dialect.Dialect`."""

    def error_of(self, response: Response) -> PenstockError | None:
        return None if response.status == 200 else error_from(response)

    def field_of(self, field: str | None, rows: Rows, metadata: ModelMetadata) -> str | None:  # noqa: ARG002 - it is told by the field
        """An array's body has rows and no `instances` around them."""
        return f"/instances{field}" if field and field[1:2].isdigit() else field

    def models_request(self) -> Request:
        return Request("GET", "/v1/models")

    def read_models(self, response: Response) -> list[str]:
        return parse_models(_json(response))

    def status_request(self, address: Address) -> Request:
        return Request("GET", address.path)

    def read_status(self, response: Response) -> tuple[VersionStatus, ...]:
        return parse_status(_json(response))

    def metadata_request(self, address: Address) -> Request:
        return Request("GET", f"{address.path}/metadata")

    def read_metadata(self, response: Response) -> ModelMetadata:
        return parse_metadata(_json(response))

    def predict_request(self, address: Address, rows: Rows, metadata: ModelMetadata, read_file: ReadFile) -> Request:
        path = f"{address.path}:predict"
        numbers = npy_body(rows.instances, metadata)
        if numbers is not None:
            return Request("POST", path, {"content-type": npy.MEDIA_TYPE, "accept": npy.MEDIA_TYPE}, numbers)
        body = render_instances(rows, read_file)
        return Request("POST", path, {"content-type": "application/json"}, body)

    def answered_version(self, response: Response) -> int | None:
        """Plain TensorFlow Serving does not say which one did."""
        with reading("the X-Model-Version header"):
            version = response.headers.get("x-model-version")
            return None if version is None else int(version)

    def read_predictions(self, response: Response, metadata: ModelMetadata, row_count: int) -> AnsweredRows:
        request_id, timing = response.headers.get("x-request-id"), read_timing(response.headers.get("server-timing"))
        with reading("the prediction"):
            columns = _columns(response, metadata.output_names)
            return read_answered(columns, metadata, row_count, request_id, timing)


def _columns(response: Response, names: Sequence[str]) -> Mapping[str, Column]:
    if response.headers.get("content-type") == npy.MEDIA_TYPE:
        (name,) = names
        return {name: npy.read_npy(response.body)}
    return columns_of(_json(response)["predictions"], names)


def _json(response: Response) -> Any:
    with reading("the answer"):
        return json.loads(response.body)
