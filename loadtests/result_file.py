"""What a result of ours is on disk: one JSON document of frozen facts, read back only if it is whole."""

from pathlib import Path
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError


class Fact(BaseModel):
    """Part of such a document: frozen, and no key of it is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ResultFile(Fact):
    """The document itself; `made_by` says in messages what leaves such files."""

    made_by: ClassVar[str]

    def write(self, path: Path) -> None:
        path.write_text(self.model_dump_json(indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises ValueError for a file that is no such result, OSError for one that cannot be read."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except ValidationError as wrong:
            first = wrong.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "the file"
            raise ValueError(f"{path.name} is no result of {cls.made_by}: {place}: {first['msg']}") from wrong
