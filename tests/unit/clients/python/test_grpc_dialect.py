"""Each call of the client as the gateway's own messages read it, and the gateway's answers as the client reads them."""

import json
from collections.abc import Callable
from os import PathLike
from typing import Any

import numpy as np
import pytest
from penstock_client.errors import DeadlineExceeded, UnexpectedAnswer, UnreadableFile, WrongDtype
from penstock_client.grpc_dialect import GrpcDialect
from penstock_client.messages import Address, Request, Response
from penstock_client.metadata import VersionStatus, parse_metadata
from penstock_client.protocol import Protocol

from serving.backends.tensorflow_messages import message_module
from serving.grpc import inference_pb2

Make = Callable[..., Any]
DIALECT = GrpcDialect()
PIXELS = [[0, 1], [2, 3]]
SHAPES = Address("shapes")


def no_files(path: str | PathLike[str]) -> bytes:
    raise UnreadableFile(f"no {path}")


def config(document: Any) -> Response:
    answer = inference_pb2.ModelConfigResponse()
    answer.config.parameters["metadata"].string_value = json.dumps(document)
    return Response(0, {}, answer.SerializeToString())


def scored(*rows: list[float], version: str = "3") -> Response:
    answer = inference_pb2.ModelInferResponse(model_name="shapes", model_version=version)
    answer.outputs.add(name="probabilities", datatype="FP32", shape=[len(rows), len(rows[0])])
    answer.raw_output_contents.append(np.array(rows, "<f4").tobytes())
    return Response(0, {"x-model-version": version, "x-request-id": "r-1"}, answer.SerializeToString())


def asked(request: Request) -> Any:
    return inference_pb2.ModelInferRequest.FromString(request.body)


@pytest.fixture
def protocol() -> Protocol:
    return Protocol(DIALECT, read_file=no_files)


def test_one_row_is_asked_and_read(protocol: Protocol, script: Make, shapes_metadata: Make) -> None:
    told = script(config(shapes_metadata(3)), scored([0.25, 0.5, 0.25]))
    prediction = told.run(protocol.predict(SHAPES, PIXELS))
    assert (prediction.label, prediction.version, prediction.request_id) == ("square", 3, "r-1")
    assert prediction.probabilities == {"circle": 0.25, "square": 0.5, "star": 0.25}
    assert told.paths == [
        "POST /inference.GRPCInferenceService/ModelConfig",
        "POST /inference.GRPCInferenceService/ModelInfer",
    ]
    request = asked(told.asked[1])
    assert (request.model_name, request.model_version) == ("shapes", "")
    (tensor,) = request.inputs
    assert (tensor.name, tensor.datatype, list(tensor.shape)) == ("image", "FP32", [1, 2, 2])
    assert list(request.raw_input_contents) == [np.arange(4, dtype="<f4").tobytes()]


def test_labels_are_those_of_the_version_that_answered(protocol: Protocol, script: Make, shapes_metadata: Make) -> None:
    told = script(
        config(shapes_metadata(3)),
        scored([0.1, 0.9, 0], version="4"),
        config(shapes_metadata(4, labels=("arrow", "boat", "cloud"))),
    )
    assert told.run(protocol.predict(SHAPES, [PIXELS]))[0].label == "boat"
    assert inference_pb2.ModelConfigRequest.FromString(told.asked[2].body).version == "4"


@pytest.mark.parametrize(
    ("address", "version"), [(Address("m"), ""), (Address("m", 7), "7"), (Address("m", label="canary"), "canary")]
)
def test_a_version_or_a_label_is_named_in_every_request(
    address: Address, version: str, shapes_metadata: Make, protocol: Protocol, script: Make
) -> None:
    told = script(config(shapes_metadata(7)), scored([1, 0, 0], version="7"))
    told.run(protocol.predict(address, PIXELS))
    assert inference_pb2.ModelConfigRequest.FromString(told.asked[0].body).version == version
    assert asked(told.asked[1]).model_version == version


def test_a_models_status_is_asked_of_tensorflow_servings_service() -> None:
    status = message_module("tensorflow_serving.apis.get_model_status_pb2")
    request = DIALECT.status_request(Address("digits", 2))
    assert request.path == "/tensorflow.serving.ModelService/GetModelStatus"
    spec = status.GetModelStatusRequest.FromString(request.body).model_spec
    assert (spec.name, spec.version.value) == ("digits", 2)
    labelled = DIALECT.status_request(Address("digits", label="stable"))
    assert status.GetModelStatusRequest.FromString(labelled.body).model_spec.version_label == "stable"
    answer = status.GetModelStatusResponse()
    answer.model_version_status.add(version=2, state=20)
    answer.model_version_status.add(version=1, state=50).status.error_message = "gone"
    read = DIALECT.read_status(Response(0, {}, answer.SerializeToString()))
    assert read == (VersionStatus(2, "LOADING"), VersionStatus(1, "END", "gone"))


def test_models_are_named_once() -> None:
    answer = inference_pb2.RepositoryIndexResponse()
    for name, version in (("digits", "1"), ("digits", "2"), ("diabetes", "1")):
        answer.models.add(name=name, version=version)
    assert DIALECT.models_request() == Request("POST", "/inference.GRPCInferenceService/RepositoryIndex")
    assert DIALECT.read_models(Response(0, {}, answer.SerializeToString())) == ["digits", "diabetes"]


def test_a_model_without_a_manifest_answers_its_outputs(protocol: Protocol, script: Make, bare_metadata: Make) -> None:
    answer = inference_pb2.ModelInferResponse()
    for name in ("mean", "spread"):
        answer.outputs.add(name=name, datatype="FP64", shape=[2, 1])
        answer.raw_output_contents.append(np.array([1.5, 2.5]).tobytes())
    told = script(config(bare_metadata(7)), Response(0, {}, answer.SerializeToString()))
    first, second = told.run(protocol.predict(Address("bare"), [[1, 2, 3], [4, 5, 6]]))
    assert (first.outputs, second.outputs) == ({"mean": [1.5], "spread": [1.5]}, {"mean": [2.5], "spread": [2.5]})
    assert first.version == 7


def test_an_error_names_the_place_in_the_rows_and_has_the_version_looked_up_again(
    protocol: Protocol, script: Make, house_metadata: Make
) -> None:
    metadata = {"x-error-code": "WrongDtype", "x-error-field": "/inputs/town/1"}
    refusal = Response(3, metadata, b"/inputs/town/1: no such town")
    rows = [{"area": 1, "rooms": 2, "town": "a"}, {"area": 1, "rooms": 2, "town": "b"}]
    told = script(config(house_metadata()), refusal, config(house_metadata()), refusal)
    for _ in range(2):
        with pytest.raises(WrongDtype, match=r"^no such town") as refused:
            told.run(protocol.predict(Address("house"), rows))
        assert refused.value.field == "/instances/1/town"
    assert len(told.asked) == 4


def test_what_cannot_be_sent_has_the_version_looked_up_again_too(
    protocol: Protocol, script: Make, house_metadata: Make
) -> None:
    told = script(config(house_metadata()), config(house_metadata()))
    for _ in range(2):
        with pytest.raises(WrongDtype):
            told.run(protocol.predict(Address("house"), {"area": "large"}))
    assert len(told.asked) == 2


def test_a_good_answer_is_no_error() -> None:
    assert DIALECT.error_of(Response(0, {}, b"")) is None
    assert type(DIALECT.error_of(Response(4, {}, b"late"))) is DeadlineExceeded


@pytest.mark.parametrize("body", [b"\xff", b"", config({}).body, config([]).body])
def test_an_answer_that_is_none_of_the_gateways_is_unexpected(body: bytes, shapes_metadata: Make) -> None:
    shapes = parse_metadata(shapes_metadata())
    response = Response(0, {}, body)
    with pytest.raises(UnexpectedAnswer):
        DIALECT.read_metadata(response)
    with pytest.raises(UnexpectedAnswer):
        DIALECT.read_predictions(response, shapes, 1)


def test_fewer_predictions_than_rows_are_unexpected(shapes_metadata: Make) -> None:
    with pytest.raises(UnexpectedAnswer, match="1 values"):
        DIALECT.read_predictions(scored([1, 0, 0]), parse_metadata(shapes_metadata()), 2)
