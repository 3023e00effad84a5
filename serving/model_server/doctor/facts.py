"""What the doctor knows before it judges: a model directory and a server's files, as they were read.

Pure: frozen facts. What could not be read is a fact too, the reason in a `..._problem` that is empty when all is well.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from serving.contract.manifest import Manifest
from serving.model_server.configs import PublishedModel


@dataclass(frozen=True, slots=True)
class Finding:
    """`where` it is, `what` will bite, and the `remedy`: one line together."""

    where: str
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class GraphTensor:
    """`dtype` is None for one that the contract has no name for; `shape` is None when even its length is unknown."""

    name: str
    dtype: str | None
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True, slots=True)
class GraphSignature:
    name: str
    inputs: tuple[GraphTensor, ...]
    outputs: tuple[GraphTensor, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """Of a saved_model.pb; `tensorflow` is the version that wrote it."""

    signatures: tuple[GraphSignature, ...]
    tensorflow: str


@dataclass(frozen=True, slots=True)
class WarmupCall:
    """One warm-up record; `inputs` are names with dtype and shape."""

    signature: str
    inputs: Mapping[str, tuple[str, tuple[int, ...]]]


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """`damage` is what a comparison with the manifest's checksums found, `warmup` None where there are no records."""

    model: str
    version: int
    manifest: Manifest | None = None
    manifest_problem: str = ""
    graph: Graph | None = None
    graph_problem: str = ""
    warmup: tuple[WarmupCall, ...] | None = None
    warmup_problem: str = ""
    damage: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        return f"{self.model} {self.version}"


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """`folders` are the names of folders that are no version; `hollow` numbered folders without a saved_model.pb."""

    published: PublishedModel
    versions: tuple[VersionFacts, ...] = ()
    folders: tuple[str, ...] = ()
    hollow: tuple[int, ...] = ()
    labels_problem: str = ""
    history_problem: str = ""

    @property
    def name(self) -> str:
        return self.published.name


@dataclass(frozen=True, slots=True)
class ConfiguredModel:
    """One model of a models.config; `policy` is `latest`, `all`, `specific`, or empty where none is set."""

    name: str
    base_path: str
    policy: str
    versions: tuple[int, ...]
    labels: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Batching:
    max_batch_size: int | None
    allowed_batch_sizes: tuple[int, ...]
    pads: bool
    splits: bool


@dataclass(frozen=True, slots=True)
class Monitoring:
    enabled: bool
    path: str


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What was named on the command line; None for what was not. `flags` hold the values as text, `true` for one that
    stands alone. `problems` says which file cannot be read or parsed.
    """

    models: tuple[ConfiguredModel, ...] | None = None
    batching: Batching | None = None
    monitoring: Monitoring | None = None
    flags: Mapping[str, str] | None = None
    version: tuple[int, int] | None = None
    reloads_by_rpc: bool = False
    problems: tuple[str, ...] = ()

    def is_on(self, flag: str) -> bool:
        return (self.flags or {}).get(flag, "").lower() in ("true", "1", "t", "yes", "y")


@dataclass(frozen=True, slots=True)
class Facts:
    models: tuple[ModelFacts, ...] = ()
    directory_problem: str = ""
    server: ServerFacts = field(default_factory=ServerFacts)

    def versions(self) -> Iterator[VersionFacts]:
        for model in self.models:
            yield from model.versions
