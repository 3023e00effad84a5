"""Files of API keys for tests, written by `penstock keys` itself."""

from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from serving.keys_verb import run as keys_verb


@dataclass(frozen=True)
class KeyFile:
    path: Path

    def new(self, name: str, *more: str) -> str:
        said = StringIO()
        with redirect_stdout(said), redirect_stderr(StringIO()):
            keys_verb(["new", name, "--file", str(self.path), *more])
        return said.getvalue().strip()

    def revoke(self, name: str) -> None:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            keys_verb(["revoke", name, "--file", str(self.path)])
