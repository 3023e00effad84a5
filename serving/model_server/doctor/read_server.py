"""Reads what the doctor judges of a server: the text files it is given, and the flags it is started with."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from serving.errors import IntegrityError
from serving.model_server.doctor.facts import Batching, ConfiguredModel, Monitoring, ServerFacts
from serving.model_server.text_protos import Kind, parse_text

_FLAG = re.compile(r"""(?<![\w-])--([a-z][a-z0-9_]+)(?:=("[^"]*"|'[^']*'|[^\s"'\],]+))?""")
_REMARK = re.compile(r"^\s*#.*$", re.MULTILINE)


def read_server(files: Mapping[Kind, Path | None], flags: Sequence[Path], told: ServerFacts) -> ServerFacts:
    """`told`, what the command line says itself, with what stands in the files that are named; of a flag that stands in
    several, the last one counts.
    """
    facts, problems = told, []
    for kind, path in files.items():
        if path is None:
            continue
        try:
            facts = _with(facts, kind, parse_text(kind, _text(path)))
        except IntegrityError as error:
            problems.append(f"{path}: {error}")
    for path in flags:
        try:
            found = flags_in(_text(path))
            facts = replace(facts, flags={**(facts.flags or {}), **found} or None)
            problems += [] if found else [f"{path}: there is no --name=value in it"]
        except IntegrityError as error:
            problems.append(f"{path}: {error}")
    return replace(facts, problems=tuple(problems))


def flags_in(text: str) -> dict[str, str]:
    """The flags in a command line, or in any file that has one: compose.yaml, a Dockerfile, a Kubernetes manifest.

    TensorFlow Serving takes `--name=value`, and `--name` alone for true. Lines that are remarks do not count.
    """
    found = _FLAG.finditer(_REMARK.sub("", text))
    return {each[1]: (each[2] or "true").strip("\"'") for each in found}


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise IntegrityError(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise IntegrityError("is no text") from error


def _with(facts: ServerFacts, kind: Kind, message: Any) -> ServerFacts:
    if kind == "models.config":
        return replace(facts, models=tuple(map(_configured, message.model_config_list.config)))
    if kind == "monitoring.config":
        config = message.prometheus_config
        return replace(facts, monitoring=Monitoring(config.enable, config.path))
    return replace(
        facts,
        batching=Batching(
            message.max_batch_size.value if message.HasField("max_batch_size") else None,
            tuple(message.allowed_batch_sizes),
            message.pad_variable_length_inputs,
            message.enable_large_batch_splitting.value,
        ),
    )


def _configured(config: Any) -> ConfiguredModel:
    return ConfiguredModel(
        config.name,
        config.base_path,
        config.model_version_policy.WhichOneof("policy_choice") or "",
        tuple(config.model_version_policy.specific.versions),
        dict(config.version_labels),
    )
