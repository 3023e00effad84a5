"""The verb `penstock models`: looks at the published versions and moves, removes or verifies them.

Calls the model store and writes what `models_table` made of the answer; decides nothing itself.
"""

import argparse
import getpass
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from serving.errors import IntegrityError, InvalidSettings, UnknownVersion
from serving.label_moves import promote_label, roll_back
from serving.model_store.audit import read_audit
from serving.model_store.inspection import inspect_version
from serving.model_store.labels import read_labels
from serving.model_store.prune import prunable, prune, prune_version
from serving.model_store.signed_version import sign_version
from serving.model_store.signing_keys import SIGNING_KEY_VARIABLE, chosen_signer, make_keys
from serving.model_store.summary import VersionSummary, summarise
from serving.model_store.traffic import NO_TRAFFIC, make_traffic, read_traffic, set_traffic, traffic_text
from serving.model_store.trust_arguments import trust_of
from serving.model_store.verify import verify_model, verify_version
from serving.model_store.versions import list_folders, list_model_folders, list_models, list_versions
from serving.models_arguments import models_parser
from serving.models_table import (
    findings_json,
    findings_text,
    operations_text,
    version_json,
    version_text,
    versions_json,
    versions_text,
)

DONE, DAMAGE_FOUND = 0, 1


def run(argv: Sequence[str]) -> int:
    """Runs one subcommand; returns the exit code. Raises PenstockError for what could not be done."""
    parser = models_parser()
    arguments = parser.parse_args(argv)
    if arguments.command == "prune" and arguments.version and arguments.dry_run:
        parser.error("--dry-run shows what --keep removes; --version removes just the one it names")
    if arguments.command == "promote":
        _check_promote(parser, arguments)
    if arguments.command == "keygen":
        return _keygen(arguments)
    if not arguments.models.is_dir():
        raise IntegrityError(f"there is no model directory {str(arguments.models)!r}; name yours with --models DIR")
    return COMMANDS[arguments.command](arguments)


def _list(arguments: argparse.Namespace) -> int:
    models = [arguments.model] if arguments.model else list_models(arguments.models)
    versions = [summary for model in models for summary in summarise(arguments.models, model)]
    return _say(versions_json(versions) if arguments.json else versions_text(versions))


def _show(arguments: argparse.Namespace) -> int:
    chosen = _chosen(arguments.model, arguments.version, summarise(arguments.models, arguments.model))
    history = read_audit(arguments.models, arguments.model)
    return _say(version_json(chosen, history) if arguments.json else version_text(chosen, history))


def _chosen(model: str, version: int | None, summaries: Sequence[VersionSummary]) -> VersionSummary:
    """The version that was named, or the one that answers for want of a name."""
    for summary in summaries:
        if summary.version == version or (version is None and summary.answers):
            return summary
    known = ", ".join(str(summary.version) for summary in summaries) or "none"
    what = f"no version {version} of {model!r}" if version else f"no version of {model!r} that answers"
    raise UnknownVersion(f"there is {what}; there are: {known}")


def _check_promote(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    if arguments.offline and (arguments.shadow or arguments.watch):
        parser.error("--shadow and --watch need a gateway, and --offline asks none")
    if (arguments.trusted_key or arguments.allow_operation) and not arguments.offline:
        parser.error("--trusted-key and --allow-operation are for --offline; a gateway goes by its own settings")
    if arguments.requests and not arguments.shadow:
        parser.error("--requests is where --shadow N takes its N requests from")


def _promote(arguments: argparse.Namespace) -> int:
    promote_label(arguments, _caller("promote"), _say)
    return DONE


def _rollback(arguments: argparse.Namespace) -> int:
    roll_back(arguments, _caller("rollback"), _say)
    return DONE


def _traffic(arguments: argparse.Namespace) -> int:
    models, model = arguments.models, arguments.model
    list_versions(models, model)  # that there is such a model
    given = bool(arguments.split or arguments.sticky_by or arguments.shadow)
    if not (given or arguments.clear):
        return _say(f"traffic of {model}: {traffic_text(read_traffic(models, model))}\n")
    was = NO_TRAFFIC if arguments.clear else read_traffic(models, model)
    mirrored = (was.shadow.label, was.shadow.fraction) if was.shadow else None
    traffic = make_traffic(
        dict(arguments.split) or was.split, arguments.sticky_by or was.sticky_by, arguments.shadow or mirrored
    )
    now = datetime.now(UTC)
    before = set_traffic(models, model, traffic, by=_caller("traffic"), reason=arguments.reason, now=now)
    return _say(f"traffic of {model}: {traffic_text(before)} -> {traffic_text(traffic)}\n")


def _prune(arguments: argparse.Namespace) -> int:
    models, model, keep = arguments.models, arguments.model, arguments.keep
    by, reason, now = _caller("prune"), arguments.reason, datetime.now(UTC)
    if arguments.dry_run:
        gone = prunable(list_versions(models, model), read_labels(models, model).values(), keep=keep)
        return _say(f"would remove of {model}: {_numbers(gone)}\n")
    if arguments.version:
        prune_version(models, model, arguments.version, by=by, reason=reason, now=now)
        return _say(f"removed of {model}: {arguments.version}\n")
    gone = prune(models, model, keep=keep, by=by, reason=reason, now=now)
    return _say(f"removed of {model}: {_numbers(gone)}\n")


def _verify(arguments: argparse.Namespace) -> int:
    models, version = arguments.models, arguments.version
    names = [arguments.model] if arguments.model else list_model_folders(models)
    folders = {name: list_folders(models, name) for name in names}
    if version is None:
        findings = tuple(finding for name in names for finding in verify_model(models, name))
        checked = sum(len(versions) for versions in folders.values())
    elif version in folders[arguments.model]:
        findings, checked = verify_version(models, arguments.model, version), 1
    else:
        raise UnknownVersion(f"there is no version {version} of {arguments.model!r}")
    trust = trust_of(arguments)
    chosen = [(name, each) for name in names for each in folders[name] if version in (None, each)]
    inspected = [inspect_version(models, name, each, trust) for name, each in chosen]
    findings = (*findings, *(finding for inspection in inspected for finding in inspection.findings))
    if arguments.json:
        _say(findings_json(findings, checked, inspected))
    else:
        _say(findings_text(findings, checked))
        _say(operations_text(inspected) if arguments.operations else "")
    return DAMAGE_FOUND if findings else DONE


def _sign(arguments: argparse.Namespace) -> int:
    model, version, sign = arguments.model, arguments.version, chosen_signer(arguments.sign_with)
    if sign is None:
        raise InvalidSettings(f"name the key to sign with: --sign-with KEY, or {SIGNING_KEY_VARIABLE}")
    sign_version(arguments.models, model, version, sign, by=_caller("sign"), now=datetime.now(UTC))
    return _say(f"signed {model} {version}\n")


def _keygen(arguments: argparse.Namespace) -> int:
    public, key_id = make_keys(arguments.file)
    return _say(f"key {key_id}: sign with {arguments.file}, and give {public} to those who check\n")


def _say(text: str) -> int:
    sys.stdout.write(text)
    sys.stdout.flush()  # a step's name stands there while the step is at work
    return DONE


def _numbers(versions: Sequence[int]) -> str:
    return ", ".join(map(str, versions)) or "none"


def _caller(subcommand: str) -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container often runs as a number that has no name; which of the two is Python's age
        user = f"uid {os.getuid()}"
    return f"penstock models {subcommand}, {user}"


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = MappingProxyType(
    {
        "list": _list,
        "show": _show,
        "promote": _promote,
        "rollback": _rollback,
        "traffic": _traffic,
        "prune": _prune,
        "verify": _verify,
        "sign": _sign,
    }
)
