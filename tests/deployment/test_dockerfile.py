"""What Dockerfile.gpu promises, read from it: no Docker engine is needed."""

import re
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from serving.access_settings import refuse_public
from serving.errors import InvalidSettings
from serving.model_server.flags import Deployment, flag_lines
from serving.settings import Settings, load_settings
from tests.conftest import absent
from tests.deployment.dockerfile import ROOT, Instruction, read_dockerfile

DOCKERFILE = read_dockerfile()
IMAGES = ("training", "model-server", "gateway", "gateway-embedded")
GATEWAYS = ("gateway", "gateway-embedded")
REQUIREMENTS = sorted(set(re.findall(r"-r (\S+)", (ROOT / "Dockerfile.gpu").read_text())))


def copied() -> list[str]:
    instructions = [found for stage in DOCKERFILE.stages.values() for found in stage.all("COPY")]
    return sorted({source for found in instructions if "from" not in found.options for source in found.words[:-1]})


def test_the_linter_finds_nothing() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    hadolint = hadolint or absent("needs hadolint (make install)")
    done = subprocess.run([hadolint, ROOT / "Dockerfile.gpu"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_there_is_a_target_for_each_image() -> None:
    assert set(IMAGES) <= DOCKERFILE.stages.keys()


def test_every_outside_image_is_an_argument_that_can_hold_a_digest() -> None:
    outside = {stage.base for stage in DOCKERFILE.stages.values()} - DOCKERFILE.stages.keys()
    assert outside == {"${NODE_IMAGE}", "${PYTHON_IMAGE}", "${TFSERVING_IMAGE}"}
    assert all(DOCKERFILE.arguments[name[2:-1]].count(":") == 1 for name in outside)
    assert DOCKERFILE.arguments["TFSERVING_IMAGE"].replace(
        "${TFSERVING_VERSION}", DOCKERFILE.arguments["TFSERVING_VERSION"]
    ) == "tensorflow/serving:2.19.1-gpu"  # fmt: skip


@pytest.mark.parametrize("source", copied())
def test_what_is_copied_is_there_and_not_ignored(source: str) -> None:
    assert (ROOT / source).exists()
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert any(fnmatch(source, pattern) or source.startswith(f"{pattern}/") for pattern in kept)


def test_all_else_stays_out_of_the_build() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == {
        "penstock_cli.py", "pyproject.toml", "README.md", "requirements/*.txt", "serving", "training",
        "clients/typescript",
    }  # fmt: skip


def test_stages_are_copied_from_and_built_on_only_once_they_are_there() -> None:
    seen: set[str] = set()
    for stage in DOCKERFILE.stages.values():
        sources = {found.options["from"] for found in stage.all("COPY") if "from" in found.options}
        assert sources <= seen
        assert stage.base in seen or stage.base.startswith("${")
        seen.add(stage.name)


@pytest.mark.parametrize("path", REQUIREMENTS)
def test_what_is_installed_is_pinned_and_hashed(path: str) -> None:
    lines = (ROOT / path).read_text().replace("\\\n", " ").splitlines()
    assert [line for line in lines if line.strip() and not re.match(r"\S+==\S+ .*--hash=sha256:", line)] == []


@pytest.mark.parametrize(
    ("extra", "path"),
    [
        ("gateway", "gateway.txt"),
        ("object-store", "gateway.txt"),
        ("training", "training-gpu.txt"),
        ("object-store", "training-gpu.txt"),
    ],
)
def test_a_lock_has_every_package_of_its_extra(extra: str, path: str) -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"][extra]
    names = {re.split(r"[\[<>=;]", package)[0] for package in wanted} - {"tensorflow-cpu"}  # with CUDA it is tensorflow
    locked = set(re.findall(r"^([^=\s]+)==", (ROOT / "requirements" / path).read_text(), re.MULTILINE))
    assert names - locked == set()


def test_every_install_is_held_to_its_hashes() -> None:
    runs = [found.text for stage in DOCKERFILE.stages.values() for found in stage.all("RUN")]
    commands = [command.strip() for text in runs for command in text.split("&&") if "-m pip " in command]
    held = [command for command in commands if " -r " in command]
    assert [command for command in held if "--require-hashes" not in command or "--no-deps" not in command] == []
    ours = [command for command in commands if command not in held]
    assert [command for command in ours if "--no-index" not in command and "pip wheel" not in command] == []


def test_only_the_training_image_gets_a_tensorflow_and_it_is_ours() -> None:
    ours = re.search(r"^tensorflow-cpu==(\S+)", (ROOT / "requirements" / "dev.txt").read_text(), re.MULTILINE)
    assert ours
    names = {
        path: re.findall(r"^(tensorflow\S*)==(\S+)", (ROOT / path).read_text(), re.MULTILINE) for path in REQUIREMENTS
    }
    assert names["requirements/gateway.txt"] == []
    assert names["requirements/training-gpu.txt"] == [("tensorflow", ours[1]), ("tensorflow-serving-api", ours[1])]
    assert names["requirements/tensorflow.txt"] == [("tensorflow-cpu", ours[1]), ("tensorflow-serving-api", ours[1])]
    assert "nvidia-cudnn" in (ROOT / "requirements" / "training-gpu.txt").read_text()


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_runs_as_a_numbered_user_by_an_exec_form(image: str) -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", DOCKERFILE.last(image, "USER").text)
    assert DOCKERFILE.last(image, "ENTRYPOINT").command
    assert DOCKERFILE.last(image, "STOPSIGNAL").text in ("SIGTERM", "SIGINT", "SIGKILL")


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_has_a_health_check_without_curl(image: str) -> None:
    check = DOCKERFILE.last(image, "HEALTHCHECK")
    assert check.text == "NONE" if image == "training" else check.command[0] in ("python", "bash")


def test_no_stage_names_a_secret() -> None:
    given = [found for stage in DOCKERFILE.stages.values() for found in (*stage.all("ENV"), *stage.all("ARG"))]
    assert [found for found in given if re.search("secret|token|passw|api_?key", found.text, re.IGNORECASE)] == []
    assert [stage for stage in DOCKERFILE.stages.values() if stage.all("ADD")] == []


@pytest.mark.parametrize("image", GATEWAYS)
def test_a_gateways_environment_is_settings(image: str) -> None:
    environment = DOCKERFILE.environment(image)
    settings = load_settings({}, environment, {"tfserving_addresses": ("model-server:8500",)})
    assert settings.backend == {"gateway": "tfserving", "gateway-embedded": "embedded"}[image]
    assert settings.host == "0.0.0.0"  # noqa: S104 - a container's own network
    with pytest.raises(InvalidSettings, match="--allow-anonymous"):  # an image lets nobody in by itself
        refuse_public(settings.host, settings)
    assert set(map(int, DOCKERFILE.last(image, "EXPOSE").words)) == {settings.port, settings.grpc_port}
    defaults = Settings()
    assert (settings.port, settings.grpc_port) == (defaults.port, defaults.grpc_port)


def test_the_model_servers_ports_are_those_it_is_told() -> None:
    flags = dict(word[2:].split("=", 1) for word in DOCKERFILE.last("model-server", "ENTRYPOINT").command[1:])
    assert set(DOCKERFILE.last("model-server", "EXPOSE").words) == {flags["port"], flags["rest_api_port"]}
    assert f"/{flags['port']}" in DOCKERFILE.last("model-server", "HEALTHCHECK").command[-1]
    copied_to = [found.words[-1] for found in DOCKERFILE.stages["model-server"].all("COPY")]
    assert copied_to == [str(Path(flags["model_config_file"]).parent)]


def test_the_model_servers_flags_are_those_of_the_table() -> None:
    stage = DOCKERFILE.stages["model-server"]
    given = [*stage.all("ENTRYPOINT")[0].command[1:], *stage.all("CMD")[0].command]
    wanted = flag_lines(Deployment(cores=4, gateways=8, gpu=True, config_folder="/config"))
    assert sorted(given) == sorted(flag for flag, _ in wanted)


def test_the_reader_understands_options_and_lines_that_go_on() -> None:
    found = Instruction("COPY", "--from=there /a /b")
    assert (found.options, found.words) == ({"from": "there"}, ["/a", "/b"])
