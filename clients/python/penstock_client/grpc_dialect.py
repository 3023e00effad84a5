"""The client's calls in the Open Inference Protocol v2, and TensorFlow Serving's for the states of versions. Pure.

A tensor a feature, raw. The metadata are what REST answers, from the parameters of ModelConfig. An answer carries the
same receipt as REST's, in metadata of the same names.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from google.protobuf.message import DecodeError

from penstock_client import grpc_messages_pb2 as messages
from penstock_client.errors import PenstockError, UnexpectedAnswer
from penstock_client.grpc_columns import column_of
from penstock_client.grpc_errors import error_from
from penstock_client.grpc_rows import field_in_rows, tensors_of
from penstock_client.inputs import ReadFile, Rows
from penstock_client.messages import Address, Request, Response
from penstock_client.metadata import ModelMetadata, VersionStatus, parse_metadata, reading
from penstock_client.predictions import AnsweredRows, read_answered
from penstock_client.timing import read_timing

INFERENCE, MODELS = "/inference.GRPCInferenceService", "/tensorflow.serving.ModelService"
STATES: Mapping[int, str] = MappingProxyType({10: "START", 20: "LOADING", 30: "AVAILABLE", 40: "UNLOADING", 50: "END"})
"""tensorflow.serving.ModelVersionStatus.State."""


class GrpcDialect:
    """Implements `penstock_client.dialect.Dialect`."""

    def error_of(self, response: Response) -> PenstockError | None:
        return None if response.status == 0 else error_from(response)

    def field_of(self, field: str | None, rows: Rows, metadata: ModelMetadata) -> str | None:
        return field_in_rows(field, rows.instances, metadata)

    def models_request(self) -> Request:
        return Request("POST", f"{INFERENCE}/RepositoryIndex", body=b"")

    def read_models(self, response: Response) -> list[str]:
        index = _message(messages.RepositoryIndexResponse, response, "the index of models")
        return list(dict.fromkeys(str(model.name) for model in index.models))

    def status_request(self, address: Address) -> Request:
        spec = messages.ModelSpec(name=address.model, version_label=address.label or "")
        if address.version is not None:
            spec.version.value = address.version
        return Request("POST", f"{MODELS}/GetModelStatus", body=_bytes(messages.GetModelStatusRequest(model_spec=spec)))

    def read_status(self, response: Response) -> tuple[VersionStatus, ...]:
        answer = _message(messages.GetModelStatusResponse, response, "the model's status")
        with reading("the model's status"):
            return tuple(
                VersionStatus(int(each.version), STATES[each.state], str(each.status.error_message))
                for each in answer.model_version_status
            )

    def metadata_request(self, address: Address) -> Request:
        asked = messages.ModelConfigRequest(name=address.model, version=_version(address))
        return Request("POST", f"{INFERENCE}/ModelConfig", body=_bytes(asked))

    def read_metadata(self, response: Response) -> ModelMetadata:
        parameters = _message(messages.ModelConfigResponse, response, "the model's metadata").config.parameters
        with reading("the model's metadata"):
            if "metadata" not in parameters:
                raise KeyError("metadata")
            return parse_metadata(json.loads(parameters["metadata"].string_value))

    def predict_request(self, address: Address, rows: Rows, metadata: ModelMetadata, read_file: ReadFile) -> Request:
        asked = messages.ModelInferRequest(model_name=address.model, model_version=_version(address))
        for tensor in tensors_of(rows.instances, metadata, read_file):
            asked.inputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
            asked.raw_input_contents.append(tensor.raw)
        return Request("POST", f"{INFERENCE}/ModelInfer", body=_bytes(asked))

    def answered_version(self, response: Response) -> int | None:
        with reading("the x-model-version metadata"):
            version = response.headers.get("x-model-version")
            return None if version is None else int(version)

    def read_predictions(self, response: Response, metadata: ModelMetadata, row_count: int) -> AnsweredRows:
        answer = _message(messages.ModelInferResponse, response, "the prediction")
        timing = read_timing(response.headers.get("server-timing"))
        with reading("the prediction"):
            columns = {
                str(tensor.name): column_of(tensor.datatype, tensor.shape, raw)
                for tensor, raw in zip(answer.outputs, answer.raw_output_contents, strict=True)
            }
            return read_answered(columns, metadata, row_count, response.headers.get("x-request-id"), timing)


def _version(address: Address) -> str:
    """A version that is no number is a label, by the protocol's own custom."""
    return str(address.version) if address.version is not None else address.label or ""


def _bytes(message: Any) -> bytes:
    return bytes(message.SerializeToString())


def _message(kind: Any, response: Response, what: str) -> Any:
    try:
        return kind.FromString(response.body)
    except DecodeError as error:
        raise UnexpectedAnswer(f"{what} is not as Penstock's gateway writes it ({error}); is the URL right?") from error
