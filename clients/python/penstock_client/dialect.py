"""How one wire says the client's calls and answers: the promise that `protocol.py` builds on.

Pure, as every dialect is: requests are made and answers read here, and nobody is asked. A dialect keeps nothing
between calls, so that threads may share one.
"""

from typing import Protocol

from penstock_client.errors import PenstockError
from penstock_client.inputs import ReadFile, Rows
from penstock_client.messages import Address, Request, Response
from penstock_client.metadata import ModelMetadata, VersionStatus
from penstock_client.predictions import AnsweredRows


class Dialect(Protocol):
    """The `read_` methods take good answers alone and raise UnexpectedAnswer for what they cannot read.

    What goes with every request whatever it asks (deadline, priority, credentials, trace) is not a dialect's: it is
    added as headers, in lower case, which are metadata over gRPC.
    """

    def error_of(self, response: Response) -> PenstockError | None:
        """The error that an answer stands for, None for a good one."""
        ...

    def field_of(self, field: str | None, rows: Rows, metadata: ModelMetadata) -> str | None:
        """An error's field as a pointer into what the caller gave, which begins with `/instances`."""
        ...

    def models_request(self) -> Request: ...

    def read_models(self, response: Response) -> list[str]: ...

    def status_request(self, address: Address) -> Request: ...

    def read_status(self, response: Response) -> tuple[VersionStatus, ...]: ...

    def metadata_request(self, address: Address) -> Request: ...

    def read_metadata(self, response: Response) -> ModelMetadata: ...

    def predict_request(self, address: Address, rows: Rows, metadata: ModelMetadata, read_file: ReadFile) -> Request:
        """The dialect chooses the form. Raises InvalidInput's family for what it cannot carry."""
        ...

    def answered_version(self, response: Response) -> int | None:
        """The version that answered a predict call, None where the server does not say."""
        ...

    def read_predictions(self, response: Response, metadata: ModelMetadata, row_count: int) -> AnsweredRows:
        """`metadata` is that of the version that answered."""
        ...
