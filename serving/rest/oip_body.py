"""The body of the Open Inference Protocol's `infer`: JSON, with raw tensors behind it where the head says so.

Pure: bytes in; out comes what is asked. The tensors' own datatypes are taken to the features' where nothing is lost;
an image may come as BYTES of a PNG, JPEG or WebP, a row each.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from serving.batching.lane_names import lane_of_level
from serving.contract.agreement import DEFAULT_SIGNATURE
from serving.contract.features import Feature, ImageFeature
from serving.contract.tensors import Array
from serving.errors import InvalidInput, MissingField, UnknownField, WrongDtype, WrongShape
from serving.preprocessing.arrays import json_name
from serving.preprocessing.json_text import read_json
from serving.preprocessing.records import decode_columns, listed_names
from serving.rest.ask import Ask
from serving.rest.oip_answer import OutputWish, Wishes, infer_answer
from serving.rest.oip_tensors import TensorHead, check_datatype, from_json, from_raw, split_body
from serving.rest.request_head import RequestHead

LENGTH_HEADER = b"inference-header-content-length"
MAX_DIMENSIONS, MAX_SIZE = 32, 2**40
"""Of a tensor: numpy has no more dimensions, and no body as many elements."""


@dataclass(frozen=True, slots=True)
class GivenTensor:
    """An input as it came: its values in JSON, or raw."""

    head: TensorHead
    data: object
    raw: memoryview | None

    def array(self) -> Array:
        return from_json(self.head, self.data) if self.raw is None else from_raw(self.head, self.raw)


def read_infer(head: RequestHead, body: bytes) -> Ask:
    """Raises InvalidInput's family; the pointers start `/inputs/{number}`."""
    text, raw = split_body(body, head.headers.get(LENGTH_HEADER))
    document = _document(text)
    inputs = document.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise InvalidInput("the request has no list of `inputs`, or an empty one", pointer="/inputs")
    tensors, used = [], 0
    for number, given in enumerate(inputs):
        tensor, size = _tensor(given, number, raw[used:])
        tensors.append(tensor)
        used += size
    if used != len(raw):
        raise InvalidInput(f"{len(raw)} bytes of raw tensors where the inputs' binary_data_size add up to {used}")
    parameters = _parameters(document, "")
    answer = functools.partial(infer_answer, _identity(document), _wishes(document, parameters))
    has_bytes = any(tensor.head.datatype == "BYTES" for tensor in tensors)
    decode = functools.partial(_decoded, tensors)
    lane = lane_of_level(parameters["priority"]) if "priority" in parameters else None
    return Ask(DEFAULT_SIGNATURE, decode, answer, has_bytes, timeout_seconds=_timeout_seconds(parameters), lane=lane)


def _document(text: bytes | memoryview) -> dict[str, Any]:
    try:
        document = read_json(text)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"the request is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise WrongDtype('the request must be an object: {"inputs": [...]}')
    return document


def _tensor(given: object, number: int, rest: memoryview) -> tuple[GivenTensor, int]:
    """The tensor and how many bytes of `rest` are its own."""
    pointer = f"/inputs/{number}"
    if not isinstance(given, dict):
        raise WrongDtype(f"{json_name(given)} where an input is expected", pointer=pointer)
    name, datatype = given.get("name"), given.get("datatype")
    for key, value in (("name", name), ("datatype", datatype)):
        if not isinstance(value, str):
            raise WrongDtype(f"`{key}` is {json_name(value)}; a string is expected", pointer=f"{pointer}/{key}")
    head = TensorHead(str(name), str(datatype), _shape(given.get("shape"), pointer), pointer)
    check_datatype(head)
    parameters = _parameters(given, pointer)
    if "shared_memory_region" in parameters:
        raise InvalidInput("shared memory is not offered here", pointer=f"{pointer}/parameters/shared_memory_region")
    size = parameters.get("binary_data_size")
    if size is None:
        if "data" not in given:
            raise MissingField("the input has neither `data` nor `binary_data_size`", pointer=f"{pointer}/data")
        return GivenTensor(head, given["data"], None), 0
    if type(size) is not int or not 0 <= size <= len(rest):
        raise InvalidInput("binary_data_size is not a number of bytes within the body",
                           pointer=f"{pointer}/parameters/binary_data_size")  # fmt: skip
    return GivenTensor(head, None, rest[:size]), size


def _shape(shape: object, pointer: str) -> tuple[int, ...]:
    if not isinstance(shape, list) or not 1 <= len(shape) <= MAX_DIMENSIONS:
        raise WrongShape(f"`shape` is {json_name(shape)}; a list of sizes is expected, rows first",
                         pointer=f"{pointer}/shape")  # fmt: skip
    for size in shape:
        if type(size) is not int or not 0 <= size <= MAX_SIZE:
            raise WrongShape("a size that is not a number of elements", pointer=f"{pointer}/shape")
    return tuple(shape)


def _parameters(holder: Mapping[str, Any], pointer: str) -> dict[str, Any]:
    parameters = holder.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise WrongDtype(f"`parameters` is {json_name(parameters)}; an object is expected",
                         pointer=f"{pointer}/parameters")  # fmt: skip
    return parameters


def _identity(document: Mapping[str, Any]) -> str:
    given = document.get("id", "")
    if not isinstance(given, str):
        raise WrongDtype(f"`id` is {json_name(given)}; a string is expected", pointer="/id")
    return given


def _timeout_seconds(parameters: Mapping[str, Any]) -> float | None:
    microseconds = parameters.get("timeout", 0)
    if type(microseconds) is not int or microseconds < 0:
        raise InvalidInput("`timeout` is not a number of microseconds", pointer="/parameters/timeout")
    return microseconds / 1e6 if microseconds else None


def _wishes(document: Mapping[str, Any], parameters: Mapping[str, Any]) -> Wishes:
    all_binary = parameters.get("binary_data_output") is True
    outputs = document.get("outputs") or []
    if not isinstance(outputs, list):
        raise WrongDtype(f"`outputs` is {json_name(outputs)}; a list is expected", pointer="/outputs")
    return Wishes(all_binary, tuple(_wish(output, number, all_binary) for number, output in enumerate(outputs)))


def _wish(output: object, number: int, all_binary: bool) -> OutputWish:  # noqa: FBT001 - one fact handed down
    pointer = f"/outputs/{number}"
    if not isinstance(output, dict) or not isinstance(output.get("name"), str):
        raise WrongDtype("an output is an object with a `name`", pointer=pointer)
    parameters = _parameters(output, pointer)
    for key in ("classification", "shared_memory_region"):
        if key in parameters:
            raise InvalidInput(f"`{key}` is not offered here", pointer=f"{pointer}/parameters/{key}")
    return OutputWish(output["name"], parameters.get("binary_data", all_binary) is True, pointer)


def _decoded(tensors: Sequence[GivenTensor], features: Sequence[Feature]) -> dict[str, Array]:
    known = {feature.name: feature for feature in features}
    places: dict[str, str] = {}
    columns: dict[str, Sequence[object] | Array] = {}
    for tensor in tensors:
        name, pointer = tensor.head.name, tensor.head.pointer
        if name not in known:
            raise UnknownField(f"the model has no input {name[:64]!r}; they are {listed_names(known)}",
                               pointer=f"{pointer}/name")  # fmt: skip
        if name in columns:
            raise InvalidInput(f"input {name[:64]!r} came twice", pointer=f"{pointer}/name")
        places[name] = pointer if tensor.raw is not None else f"{pointer}/data"
        columns[name] = _column(tensor, known[name])
    return decode_columns(columns, features, lambda name: places.get(name, "/inputs"))


def _column(tensor: GivenTensor, feature: Feature) -> Sequence[object] | Array:
    """One element a row, as the feature's column takes them."""
    array = tensor.array()
    if not len(array):
        raise InvalidInput("no rows; at least one is expected", pointer=f"{tensor.head.pointer}/shape")
    if array.dtype != object:
        return array
    if feature.dtype != "string" and not isinstance(feature, ImageFeature):
        raise WrongDtype(f"BYTES where {feature.dtype} is expected", pointer=f"{tensor.head.pointer}/datatype")
    if not isinstance(feature, ImageFeature):
        return array
    if array.ndim == 2 and array.shape[1] == 1:  # Triton's models of one BYTES element a row
        array = np.ascontiguousarray(array[:, 0])
    if array.ndim != 1:
        raise WrongShape("an image is one element of BYTES a row", pointer=f"{tensor.head.pointer}/shape")
    return [{"b64": value} if isinstance(value, str) else value for value in array.tolist()]
