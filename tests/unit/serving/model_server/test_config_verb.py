from collections.abc import Callable
from pathlib import Path

import pytest

from serving.contract.manifest import Manifest
from serving.errors import IntegrityError
from serving.model_server.config_verb import run
from serving.model_server.flags import Deployment, flag_lines
from serving.model_server.text_protos import parse_text


def test_flags_are_printed_with_their_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["flags", "--cores", "3", "--gpu"]) == 0
    printed = capsys.readouterr().out
    for flag, reason in flag_lines(Deployment(cores=3, gpu=True)):
        assert f"{flag}\n    {reason}\n" in printed


def test_plain_flags_can_be_given_to_the_server(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["flags", "--plain", "--gateways", "2", "--in-flight", "8"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [flag for flag, _ in flag_lines(Deployment(gateways=2, in_flight=8))]
    assert "--grpc_max_threads=20" in lines


@pytest.mark.parametrize(("base_path", "written"), [(("--base-path", "/srv/models"), "/srv/models"), ((), None)])
def test_the_base_path_is_the_servers_or_that_of_the_directory(
    tmp_path: Path,
    write_version: Callable[[Manifest], None],
    manifest_with: Callable[..., Manifest],
    base_path: tuple[str, ...],
    written: str | None,
) -> None:
    write_version(manifest_with())
    assert run(["config", str(tmp_path / "models"), "--out", str(tmp_path), *base_path]) == 0
    (config,) = parse_text("models.config", (tmp_path / "models.config").read_text()).model_config_list.config
    assert config.base_path == f"{written or tmp_path / 'models'}/doubles"


@pytest.mark.parametrize(("option", "labels"), [("--only-label", ["canary"]), ("--without-label", ["stable"])])
def test_a_label_may_have_servers_of_its_own(
    tmp_path: Path,
    write_version: Callable[[Manifest], None],
    manifest_with: Callable[..., Manifest],
    option: str,
    labels: list[str],
) -> None:
    for version in (1, 2):
        write_version(manifest_with(version=version))
    (tmp_path / "models" / "doubles" / "labels.json").write_text('{"stable": 1, "canary": 2}')
    assert run(["config", str(tmp_path / "models"), "--out", str(tmp_path), option, "canary"]) == 0
    (config,) = parse_text("models.config", (tmp_path / "models.config").read_text()).model_config_list.config
    assert list(config.version_labels) == labels


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="there is no model directory"):
        run(["config", str(tmp_path / "gone"), "--out", str(tmp_path)])
