"""Gateways over models that would do more than answer, and over models that nobody vouches for."""

import json
from pathlib import Path
from typing import Any

import pytest

from serving.backends.tensorflow_messages import message_module
from serving.contract.model_directory import VersionPaths
from tests.processes import GatewayProcess, StartGateway, penstock
from tests.swaps import golden_instance, publish_again


def writes(target: Path, staged: VersionPaths) -> None:
    """Lets the version write a file whenever its table of signatures is asked for an answer."""
    saved: Any = message_module("tensorflow.core.protobuf.saved_model_pb2").SavedModel()
    saved.ParseFromString(staged.saved_model.read_bytes())
    nodes = saved.meta_graphs[0].graph_def.node
    (answer,) = saved.meta_graphs[0].signature_def["serving_default"].outputs.values()
    answering = next(node for node in nodes if node.name == answer.name.partition(":")[0])
    for name, text in (("where", str(target)), ("what", "written by a model")):
        constant = nodes.add(name=name, op="Const")
        constant.attr["dtype"].type = 7
        constant.attr["value"].tensor.dtype = 7
        constant.attr["value"].tensor.tensor_shape.SetInParent()
        constant.attr["value"].tensor.string_val.append(text.encode())
    nodes.add(name="writing", op="WriteFile").input.extend(["where", "what"])
    answering.input.append("^writing")
    staged.saved_model.write_bytes(saved.SerializeToString())


def states(gateway: GatewayProcess, model: str) -> dict[int, tuple[str, str]]:
    listed = gateway.get(f"/v1/models/{model}")["model_version_status"]
    return {int(each["version"]): (each["state"], each["status"]["error_message"]) for each in listed}


def ask(gateway: GatewayProcess, models: Path, model: str) -> int:
    body = json.dumps({"instances": [golden_instance(models, model)]}).encode()
    return gateway.post(f"/v1/models/{model}:predict", body)[0]


def test_a_model_that_writes_files_is_not_loaded_and_its_neighbours_answer(
    start_gateway: StartGateway, own_models: Path, tmp_path: Path
) -> None:
    target = tmp_path / "written"
    publish_again(own_models, "digits", spoil=lambda staged: writes(target, staged))
    gateway = start_gateway("--models", str(own_models))
    (first, second) = (states(gateway, "digits")[version] for version in (1, 2))
    assert first == ("AVAILABLE", "")
    assert second[0] == "END"
    assert "WriteFile (not on the list)" in second[1]
    assert 'allowed_operations = ["WriteFile"]' in second[1]
    assert any("version 2 cannot be loaded" in line and "WriteFile" in line for line in gateway.log)
    assert [ask(gateway, own_models, model) for model in ("digits", "diabetes")] == [200, 200]
    assert not target.exists()
    told = penstock("models", "verify", "digits", "2", "--models", str(own_models), code=1).stdout
    assert "not allowed" in told
    assert "WriteFile" in told

    trusting = start_gateway("--models", str(own_models), PENSTOCK_ALLOWED_OPERATIONS="WriteFile")
    assert states(trusting, "digits")[2] == ("AVAILABLE", "")
    assert target.read_text() == "written by a model", "the model does what it was refused for"


def test_only_signed_and_unchanged_versions_are_loaded_where_signatures_are_required(
    start_gateway: StartGateway, own_models: Path, tmp_path: Path
) -> None:
    key, models = str(tmp_path / "key.pem"), str(own_models)
    penstock("models", "keygen", key)
    for version in (1, publish_again(own_models, "digits")):
        penstock("models", "sign", "digits", str(version), "--models", models, "--sign-with", key)
    with (own_models / "digits/2/variables/variables.data-00000-of-00001").open("r+b") as weights:
        weights.write(b"other")
    publish_again(own_models, "digits")
    gateway = start_gateway("--models", models, PENSTOCK_REQUIRE_SIGNATURES="true", PENSTOCK_TRUSTED_KEYS=f"{key}.pub")
    found = states(gateway, "digits")
    assert found[1] == ("AVAILABLE", "")
    assert "is not what was signed: variables/variables.data-00000-of-00001" in found[2][1]
    assert "the version is not signed" in found[3][1]
    assert ask(gateway, own_models, "digits") == 200
    assert "not signed" in states(gateway, "diabetes")[1][1]


@pytest.mark.parametrize("backend", ["tfserving", "in_memory"])
def test_a_requirement_that_binds_nobody_is_refused(tmp_path: Path, backend: str) -> None:
    settings = tmp_path / "penstock.toml"
    settings.write_text('require_signatures = true\ntrusted_keys = ["key.pub"]\n')
    told = penstock("serve", "--settings", str(settings), "--backend", backend, code=2).stderr
    assert "bind nobody" in told
