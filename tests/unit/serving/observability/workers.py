"""Files that workers share, and the ledgers of those workers, all in the test's own process."""

import os
from dataclasses import dataclass

from serving.observability.ledger import Ledger, SharedFiles, make_shared_files, shared_ledger


@dataclass(frozen=True, slots=True)
class Workers:
    files: SharedFiles

    def begin(self, number: int) -> Ledger:
        """What a process does that becomes worker `number`."""
        return shared_ledger(self.files, number)

    def close(self) -> None:
        for descriptor in (*self.files.counts, self.files.board):
            os.close(descriptor)


def two_workers() -> Workers:
    return Workers(make_shared_files(2))
