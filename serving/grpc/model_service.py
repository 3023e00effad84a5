"""`tensorflow.serving.ModelService`: the states of versions, and config reloads as far as they mean something here."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from serving.backend_protocol import VersionState
from serving.backends.tensorflow_messages import message_module
from serving.catalog import Catalog
from serving.grpc.calls import Call, Calls
from serving.grpc.error_status import ReloadRefused
from serving.grpc.model_spec import reference_of
from serving.grpc.service import MethodOf, Service

NAME = "tensorflow.serving.ModelService"
PROTOCOL = "grpc_tfs"

_STATES: Mapping[VersionState, int] = MappingProxyType(
    {
        VersionState.START: 10,
        VersionState.LOADING: 20,
        VersionState.AVAILABLE: 30,
        VersionState.UNLOADING: 40,
        VersionState.END: 50,
    }
)
"""The numbers of ModelVersionStatus.State."""
_INTERNAL = 13


@dataclass(frozen=True, slots=True)
class ModelService:
    catalog: Catalog
    calls: Calls

    def service(self) -> Service:
        status = message_module("tensorflow_serving.apis.get_model_status_pb2")
        management = message_module("tensorflow_serving.apis.model_management_pb2")
        message_module("tensorflow_serving.apis.model_service_pb2")  # the service itself, for reflection to find
        return Service(
            NAME,
            PROTOCOL,
            {
                "GetModelStatus": MethodOf(status.GetModelStatusRequest, self.status, counted=False),
                "HandleReloadConfigRequest": MethodOf(management.ReloadConfigRequest, self.reload, counted=False),
            },
        )

    async def status(self, request: Any, call: Call) -> Any:
        """Every version's state, newest first. Raises UnknownModel, UnknownVersion."""
        reference = reference_of(request.model_spec)
        self.calls.named(call, reference.model)
        statuses = self.catalog.view.entry(reference.model).statuses
        if reference.version is not None or reference.label is not None:
            version = self.catalog.view.version_named(reference)
            statuses = {number: found for number, found in statuses.items() if number == version}
        answer = message_module("tensorflow_serving.apis.get_model_status_pb2").GetModelStatusResponse()
        for number, found in sorted(statuses.items(), reverse=True):
            listed = answer.model_version_status.add(version=number, state=_STATES[found.state])
            listed.status.error_code = _INTERNAL if found.error else 0
            listed.status.error_message = found.error
        return answer

    async def reload(self, request: Any, call: Call) -> Any:
        """Agrees to a config that says what is so already, once the directory has been looked at anew; raises
        ReloadRefused for any other. What is served and how it is labelled is decided in the model directory, by whoever
        may write there.
        """
        if request.config.WhichOneof("config") == "custom_model_config":
            raise ReloadRefused("custom_model_config has no meaning here; models come from the model directory")
        for config in request.config.model_config_list.config:
            self.calls.named(call, config.name)
        await self.catalog.renew()
        for config in request.config.model_config_list.config:
            entry = self.catalog.view.models.get(config.name)
            if entry is None:
                raise ReloadRefused(
                    f"model {config.name[:128]!r} is not in the model directory; publish a version there"
                )
            differing = [
                label for label, version in config.version_labels.items() if entry.pointed.get(label) != version
            ]
            if differing:
                raise ReloadRefused(
                    f"label {differing[0][:64]!r} of model {config.name} points elsewhere; "
                    "move it with `penstock models promote`"
                )
        return message_module("tensorflow_serving.apis.model_management_pb2").ReloadConfigResponse()
