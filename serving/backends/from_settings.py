"""Which backend the settings name, and what each of them is made of."""

from collections.abc import Callable

from serving.backend_protocol import Backend
from serving.backends.embedded.backend import EmbeddedBackend
from serving.backends.embedded.c_api import load_library
from serving.backends.in_memory import InMemoryBackend, zeros_of_shape
from serving.backends.tfserving.backend import Servers, TfServingBackend
from serving.backends.tfserving.certificates import Certificates, TlsFiles
from serving.backends.tfserving.channels import Metadata, Transport
from serving.model_store.published import published_signatures
from serving.model_store.signing_keys import read_trusted_keys
from serving.model_store.trust import Trust
from serving.settings import Settings


def make_backend(settings: Settings, metadata: Callable[[], Metadata | None] | None = None) -> Backend:
    """The backend the settings name; model servers are told `metadata` with every call for a prediction.

    Raises BackendUnavailable when TensorFlow's library is not there, InvalidSettings for certificates or
    keys that cannot be read.
    """
    if settings.backend == "in_memory":
        models = published_signatures(settings.models)
        return InMemoryBackend(models, zeros_of_shape(models), at_once=True)
    if settings.backend == "tfserving":
        return TfServingBackend(settings.models, _servers(settings, metadata), poll_seconds=settings.poll_seconds)
    return EmbeddedBackend(
        settings.models,
        load_library(),
        threads=settings.max_in_flight_batches,
        poll_seconds=settings.poll_seconds,
        trust=_trust(settings),
    )


def _trust(settings: Settings) -> Trust:
    keys = read_trusted_keys(settings.trusted_keys) if settings.require_signatures else None
    return Trust(keys, frozenset(settings.allowed_operations))


def _servers(settings: Settings, metadata: Callable[[], Metadata | None] | None) -> Servers:
    certificates = None
    if settings.tfserving_tls_ca:
        files = TlsFiles(settings.tfserving_tls_ca, settings.tfserving_tls_cert, settings.tfserving_tls_key)
        certificates = Certificates(files)
    return Servers(
        settings.tfserving_addresses,
        Transport(settings.tfserving_max_message_bytes, certificates.credentials() if certificates else None, metadata),
        settings.tfserving_models,
        settings.tfserving_retry_fraction,
        certificates,
    )
