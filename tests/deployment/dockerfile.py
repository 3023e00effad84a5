"""Dockerfile.gpu as its stages and instructions, and a stage's install commands run on this machine.

No Docker engine is needed: the commands are the file's own, run by a shell in a folder that stands for the image.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("/build", "/config", "/opt", "/wheels")
"""Where the build stages write."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """Its name in capitals, and the rest of its line."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """Its arguments, without the options in front of them."""
        return [word for word in shlex.split(self.text) if not word.startswith("--")]

    @property
    def options(self) -> dict[str, str]:
        found = (word[2:].partition("=") for word in shlex.split(self.text) if word.startswith("--"))
        return {name: value for name, _, value in found}

    @property
    def command(self) -> list[str]:
        """An exec form's words."""
        return [str(word) for word in json.loads(self.text[self.text.index("[") :])]


@dataclass(frozen=True, slots=True)
class Stage:
    name: str
    base: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, name: str) -> list[Instruction]:
        return [instruction for instruction in self.instructions if instruction.name == name]


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """`arguments` are those before the first stage, with their defaults."""

    arguments: Mapping[str, str]
    stages: Mapping[str, Stage]

    def line(self, name: str) -> list[Stage]:
        """The stage's own and all it is built on, the first one first."""
        stage = self.stages[name]
        return [*(self.line(stage.base) if stage.base in self.stages else []), stage]

    def environment(self, name: str) -> dict[str, str]:
        """ENV of the stage and of all it is built on."""
        found: dict[str, str] = {}
        for stage in self.line(name):
            for instruction in stage.all("ENV"):
                found |= dict(word.split("=", 1) for word in instruction.words)
        return found

    def last(self, name: str, instruction: str) -> Instruction:
        """The one that counts; raises IndexError where there is none."""
        return [found for stage in self.line(name) for found in stage.all(instruction)][-1]


def read_dockerfile(path: Path = ROOT / "Dockerfile.gpu") -> Dockerfile:
    arguments: dict[str, str] = {}
    stages: dict[str, Stage] = {}
    for instruction in _instructions(path.read_text()):
        if instruction.name == "FROM":
            base, _, name = instruction.words
            stage = stages[name] = Stage(name, base)
        elif stages:
            stage.instructions.append(instruction)
        else:
            name, _, value = instruction.text.partition("=")
            arguments[name] = value
    return Dockerfile(arguments, stages)


def _instructions(text: str) -> Iterator[Instruction]:
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for line in lines.replace("\\\n", " ").splitlines():
        if line.strip():
            name, _, rest = line.partition(" ")
            yield Instruction(name, rest.strip())


def run_stages(file: Dockerfile, name: str, image: Path) -> None:
    """Does in the folder `image` what the stage and those it is built on copy and run, with a bare Python of its own.

    Raises CalledProcessError for a command that fails.
    """
    bare = image / "python"
    subprocess.run([sys.executable, "-m", "venv", bare], check=True)
    environment = {**outside(), **file.environment(name), "PATH": f"{bare}/bin:{os.environ['PATH']}"}
    del environment["PIP_NO_CACHE_DIR"]  # here the cache saves a download each time
    folder = image / "build"
    folder.mkdir()
    for instruction in (found for stage in file.line(name) for found in stage.instructions):
        if instruction.name == "COPY":
            *sources, target = instruction.words
            for source in sources:
                _copy(_here(source) if "from" in instruction.options else ROOT / source, folder / target)
        elif instruction.name == "RUN":
            subprocess.run(
                ["sh", "-ec", in_image(instruction.text, image)],
                check=True, cwd=folder, env=environment, capture_output=True, text=True,
            )  # fmt: skip


def _here(source: str) -> Path:
    """What another stage made, where it was made here: below /build lies what lies in the repository."""
    return ROOT / source.removeprefix("/build/")


def outside() -> dict[str, str]:
    """The environment of this process without what would reach into the image's Python or its settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PENSTOCK_"))}


def in_image(text: str, image: Path) -> str:
    """A command with the image's paths where they are here."""
    return re.sub(rf"(?<![\w/.])({'|'.join(FOLDERS)})(?=[/\s]|$)", rf"{image}\1", text)


def _copy(source: Path, target: Path) -> None:
    """Without what .dockerignore keeps out; nothing where another stage's work has not been done here."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "node_modules", "dist", "build"))
    elif source.exists():
        target = target / source.name if target.is_dir() else target
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
