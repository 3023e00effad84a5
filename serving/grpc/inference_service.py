"""`inference.GRPCInferenceService`: the Open Inference Protocol v2, with the extensions that Triton's clients use.

Knows health, metadata and the index of models; ModelInfer and its stream are `inference_calls.py`'s.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import orjson

from serving.backend_protocol import VersionState
from serving.catalog import Catalog, Servable
from serving.contract.agreement import DEFAULT_SIGNATURE
from serving.contract.tensors import TensorSpec
from serving.errors import InvalidInput, ModelNotReady, UnknownModel, UnknownVersion
from serving.grpc import inference_pb2 as messages
from serving.grpc.calls import Call
from serving.grpc.inference_calls import InferenceCalls, reference_of
from serving.grpc.inference_tensors import datatype_name
from serving.grpc.service import MethodOf, Service, StreamOf
from serving.metadata_document import metadata_document
from serving.observability.metrics import RequestMetrics, Served

NAME = "inference.GRPCInferenceService"
PROTOCOL = "grpc_v2"
EXTENSIONS = ("binary_tensor_data", "model_configuration", "model_repository", "schedule_policy", "statistics")
PLATFORM = "tensorflow_savedmodel"
METADATA = "metadata"
"""The parameter of ModelConfig that holds the document of REST's `/metadata`, as JSON."""


@dataclass(frozen=True, slots=True)
class InferenceService:
    catalog: Catalog
    calls: InferenceCalls
    ready: Callable[[], bool]
    max_batch_rows: int
    metrics: RequestMetrics

    def service(self) -> Service:
        return Service(
            NAME,
            PROTOCOL,
            {
                "ServerLive": MethodOf(messages.ServerLiveRequest, self.live, counted=False),
                "ServerReady": MethodOf(messages.ServerReadyRequest, self.server_ready, counted=False),
                "ModelReady": MethodOf(messages.ModelReadyRequest, self.model_ready, counted=False),
                "ServerMetadata": MethodOf(messages.ServerMetadataRequest, self.server_metadata, counted=False),
                "ModelMetadata": MethodOf(messages.ModelMetadataRequest, self.model_metadata, counted=False),
                "ModelConfig": MethodOf(messages.ModelConfigRequest, self.model_config, counted=False),
                "ModelStatistics": MethodOf(messages.ModelStatisticsRequest, self.statistics, counted=False),
                "RepositoryIndex": MethodOf(messages.RepositoryIndexRequest, self.index, counted=False),
                "ModelInfer": MethodOf(messages.ModelInferRequest, self.calls.infer),
            },
            {"ModelStreamInfer": StreamOf(messages.ModelInferRequest, self.calls.stream)},
        )

    async def live(self, _: Any, __: Call) -> Any:
        return messages.ServerLiveResponse(live=True)

    async def server_ready(self, _: Any, __: Call) -> Any:
        return messages.ServerReadyResponse(ready=self.ready())

    async def model_ready(self, request: Any, call: Call) -> Any:
        """A model nobody knows is not ready, which is what Triton says of it too."""
        try:
            self._servable(request, call)
        except (UnknownModel, UnknownVersion, ModelNotReady):
            return messages.ModelReadyResponse(ready=False)
        return messages.ModelReadyResponse(ready=True)

    async def server_metadata(self, _: Any, __: Call) -> Any:
        return messages.ServerMetadataResponse(name="penstock", version=version("penstock"), extensions=EXTENSIONS)

    async def model_metadata(self, request: Any, call: Call) -> Any:
        servable = self._servable(request, call)
        signature = _default_signature(servable)
        live = self.catalog.view.entry(servable.model).servables
        return messages.ModelMetadataResponse(
            name=servable.model,
            versions=[str(number) for number in live],
            platform=PLATFORM,
            inputs=[_tensor_metadata(spec) for spec in signature.inputs],
            outputs=[_tensor_metadata(spec) for spec in signature.outputs],
        )

    async def model_config(self, request: Any, call: Call) -> Any:
        """Triton's configuration. Its `parameters`, free to every server, hold what REST answers as metadata; field 6
        of ModelMetadataResponse is `properties` to some clients and `parameters`, of another type, to others.
        """
        servable = self._servable(request, call)
        signature = _default_signature(servable)
        most = min(self.max_batch_rows, servable.settings.max_batch_rows or self.max_batch_rows)
        config = messages.ModelConfig(name=servable.model, platform=PLATFORM, backend="tensorflow", max_batch_size=most)
        for spec in signature.inputs:
            config.input.add(name=spec.name, data_type=_data_type(spec), dims=_sizes(spec))
        for spec in signature.outputs:
            config.output.add(name=spec.name, data_type=_data_type(spec), dims=_sizes(spec))
        config.parameters[METADATA].string_value = orjson.dumps(metadata_document(servable)).decode()
        return messages.ModelConfigResponse(config=config)

    async def statistics(self, request: Any, call: Call) -> Any:
        """Of one version, of a model's live ones, or of all; since the gateway started."""
        if request.name:
            self.calls.calls.named(call, request.name)
            servables = [self._servable(request, call)] if request.version else self._live(request.name)
        else:
            servables = [each for name in call.seen(self.catalog.view).models for each in self._live(name)]
        return messages.ModelStatisticsResponse(
            model_stats=[_statistics(each, self.metrics.served(each.model, str(each.version))) for each in servables]
        )

    def _live(self, model: str) -> list[Servable]:
        return list(self.catalog.view.entry(model).servables.values())

    async def index(self, request: Any, call: Call) -> Any:
        answer = messages.RepositoryIndexResponse()
        for name, entry in call.seen(self.catalog.view).models.items():
            for number, status in sorted(entry.statuses.items()):
                ready = status.state is VersionState.AVAILABLE
                if ready or not request.ready:
                    state = "READY" if ready else "UNAVAILABLE"
                    answer.models.add(name=name, version=str(number), state=state, reason=status.error)
        return answer

    def _servable(self, request: Any, call: Call) -> Servable:
        if not request.name:
            raise InvalidInput("no model is named", pointer="/name")
        self.calls.calls.named(call, request.name)
        return self.catalog.view.resolve(reference_of(request.name, request.version))


def _default_signature(servable: Servable) -> Any:
    servable.target(DEFAULT_SIGNATURE)
    return servable.signatures[DEFAULT_SIGNATURE]


def _sizes(spec: TensorSpec) -> list[int]:
    return [-1 if size is None else size for size in spec.row_shape]


def _tensor_metadata(spec: TensorSpec) -> Any:
    return messages.ModelMetadataResponse.TensorMetadata(
        name=spec.name, datatype=datatype_name(spec.dtype), shape=[-1, *_sizes(spec)]
    )


def _data_type(spec: TensorSpec) -> Any:
    name = datatype_name(spec.dtype)
    return messages.DataType.Value("TYPE_STRING" if name == "BYTES" else f"TYPE_{name}")


def _statistics(servable: Servable, served: Served) -> Any:
    return messages.ModelStatistics(
        name=servable.model,
        version=str(servable.version),
        inference_count=served.rows,
        execution_count=served.backend[0],
        inference_stats=messages.InferStatistics(
            success=_duration(served.answers, served.answer_seconds),
            queue=_duration(*served.queue),
            compute_infer=_duration(*served.backend),
        ),
    )


def _duration(count: int, seconds: float) -> Any:
    return messages.StatisticDuration(count=count, ns=int(seconds * 1e9))
