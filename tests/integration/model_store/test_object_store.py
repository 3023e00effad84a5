"""Versions on their way through a real S3 API: pushed, mirrored, followed, and what happens when something breaks."""

import contextlib
import json
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.model_store.labels import read_labels
from serving.model_store.publishing import publish
from serving.model_store.staging import staging
from serving.model_store.verify import verify_model
from serving.model_store.versions import list_versions, read_manifest
from tests.integration.model_store.one_caller import asking, golden_request
from tests.integration.model_store.store_processes import (
    S3,
    mirroring,
    penstock_command,
    s3_environment,
    staged_files,
)
from tests.integration.model_store.store_proxy import proxy_before
from tests.processes import STOP_SECONDS, StartGateway

STORE = "s3://models/prod"


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    server = S3()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def store(s3: S3, tmp_path: Path) -> str:
    """A prefix of this test alone."""
    del s3
    return f"s3://models/{tmp_path.name}"


@pytest.fixture
def publish_copy(own_models: Path) -> Callable[[], int]:
    """Publishes the trained digits classifier again, as the next version."""

    def publish_next() -> int:
        manifest = read_manifest(own_models, "digits", 1)
        assert manifest
        with staging(own_models, "digits") as staged:
            shutil.copytree(own_models / "digits" / "1", staged.root, dirs_exist_ok=True)
            return publish(own_models, staged, manifest, by="test", reason="", now=datetime.now(UTC))

    return publish_next


def test_a_gateway_answers_throughout_what_happens_in_the_store(
    own_models: Path, tmp_path: Path, publish_copy: Callable[[], int], start_gateway: StartGateway
) -> None:
    """A new version, a moved label, a corrupted object, an outage: no request fails."""
    server, node, health = S3(), tmp_path / "node", tmp_path / "health.json"
    push = ("push", STORE, "digits", "--models", str(own_models))
    try:
        server.start()
        server.run(*push, "1", "--label", "stable")
        with mirroring(
            server.environment, STORE, "--models", str(node), "--watch", "0.2", "--health-file", str(health)
        ) as mirror:
            mirror.says("digits 1; looking")
            gateway = start_gateway("--models", str(node))
            with asking(gateway, golden_request(own_models)) as caller:
                caller.until_answered_by(1)

                assert publish_copy() == 2
                server.run(*push, "2", "--label", "stable")
                mirror.says("stable 1 -> 2")
                caller.until_answered_by(2)

                assert publish_copy() == 3
                put_damaged(server, own_models, 3)
                server.put("models/prod/digits/labels.json", b'{"stable": 3}')
                mirror.says("digits 3: not taken: variables/variables.data-00000-of-00001 is not what")
                assert 3 not in list_versions(node, "digits")
                assert read_labels(node, "digits") == {"stable": 2}

                server.stop()
                mirror.says("trying again")
                server.start()
                server.run(*push, "3", "--label", "stable")
                mirror.says("stable 2 -> 3")
                caller.until_answered_by(3)
                server.put("models/prod/digits/labels.json", b'{"stable": 3, "next": 3}')
                mirror.says("next none -> 3")  # so the pass before is over, and its health is written
            assert caller.failed == []
            assert mirror.terminate() == 0
            assert mirror.lines[-1] == "penstock mirror: stopped"
    finally:
        server.stop()
    assert verify_model(node, "digits") == ()
    assert json.loads(health.read_text())["models"]["digits"]["labels"]["stable"] == 3
    subprocess.run(penstock_command("mirror", "--check-health", str(health)), check=True, timeout=60)


def put_damaged(server: S3, models: Path, version: int) -> None:
    """Puts the version there as another program would, its weights changed in one byte."""
    root = models / "digits" / str(version)
    for path in sorted(root.rglob("*")):
        if path.is_file():
            name, content = path.relative_to(root).as_posix(), path.read_bytes()
            if name.startswith("variables/variables.data"):
                content = bytes([content[0] ^ 1]) + content[1:]
            server.put(f"models/prod/digits/{version}/{name}", content)


def test_killed_at_any_moment_it_leaves_no_half_version(
    s3: S3, store: str, trained_models: Path, tmp_path: Path
) -> None:
    for model in ("digits", "diabetes"):
        s3.run("push", store, model, "--models", str(trained_models), "--label", "stable")
    node = tmp_path / "node"
    chance = random.Random(11)
    for _ in range(4):
        killed_in_the_middle(s3, store, node, after_files=chance.randrange(0, 16))
        for model in ("digits", "diabetes"):
            if (node / model).is_dir():
                assert verify_model(node, model) == ()
                if list_versions(node, model):
                    shutil.rmtree(node / model)  # the next one begins anew
    s3.run("mirror", store, "--models", str(node), "--once")
    for model in ("digits", "diabetes"):
        assert list_versions(node, model) == (1,)
        assert verify_model(node, model) == ()
        assert read_labels(node, model) == {"stable": 1}
        assert not [path.name for path in (node / model).iterdir() if path.name.startswith(".staging")]


def killed_in_the_middle(s3: S3, store: str, node: Path, *, after_files: int) -> None:
    """Once so many files are staged, or the process has ended by itself."""
    command = penstock_command("mirror", store, "--models", str(node), "--once", "--concurrency", "1")
    left = {folder.name for folder in node.glob("*/.staging-*")}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=s3.environment)
    while process.poll() is None and staged_files(node, left) <= after_files:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.001)
    process.kill()
    process.wait(STOP_SECONDS)


def test_of_two_nodes_that_push_the_same_number_one_is_told_how_to_go_on(
    s3: S3, store: str, own_models: Path, tmp_path: Path, publish_copy: Callable[[], int]
) -> None:
    other = Path(shutil.copytree(own_models, tmp_path / "other"))
    assert publish_copy() == 2
    with staging(other, "digits") as staged:
        manifest = read_manifest(other, "digits", 1)
        assert manifest
        shutil.copytree(other / "digits" / "1", staged.root, dirs_exist_ok=True)
        assert publish(other, staged, manifest, by="test", reason="", now=datetime.now(UTC)) == 2
    commands = [penstock_command("push", store, "digits", "2", "--models", str(at)) for at in (own_models, other)]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=s3.environment)
        for command in commands
    ]
    said = [process.communicate(timeout=STOP_SECONDS)[0] for process in running]
    codes = [process.returncode for process in running]
    assert sorted(codes) == [0, 1], said
    loser = codes.index(1)
    assert "--renumber" in said[loser]
    models = (own_models, other)[loser]
    assert "pushed digits 3" in s3.run("push", store, "digits", "2", "--models", str(models), "--renumber")
    node = tmp_path / "node"
    s3.run("mirror", store, "--models", str(node), "--once")
    assert list_versions(node, "digits") == (2, 3)
    assert verify_model(node, "digits") == ()


def test_a_job_pushes_what_it_published_under_a_number_that_is_free(
    s3: S3, store: str, trained_models: Path, tmp_path: Path
) -> None:
    s3.run("push", store, "diabetes", "--models", str(trained_models))
    fresh, node = tmp_path / "fresh", tmp_path / "node"
    train = ("train", "diabetes", "--models", str(fresh), "--push", store, "--promote", "--force")
    said = s3.run(*train, "--set", "fit.epochs=1")
    assert "published diabetes version 2" in said
    assert "pushed    diabetes 2" in said
    s3.run("mirror", store, "--models", str(node), "--once", "--model", "diabetes", "--keep", "1")
    assert list_versions(node, "diabetes") == (2,)
    assert read_labels(node, "diabetes") == {"stable": 2}


def test_a_push_waits_for_a_store_that_is_away_and_then_is_whole(trained_models: Path, tmp_path: Path) -> None:
    server, node = S3(), tmp_path / "node"
    push = ("push", STORE, "diabetes", "--models", str(trained_models), "--label", "stable", "--timeout", "120")
    try:
        server.start()  # it has a port, and then nobody listens there
        server.stop()
        with subprocess.Popen(
            penstock_command(*push),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=server.environment,
        ) as process:
            assert process.stdout
            first = process.stdout.readline()
            server.start()
            rest = process.stdout.read()
        assert "cannot be" in first, first
        assert "trying again in" in first, first
        assert (process.returncode, "stable -> 1 in the store" in rest) == (0, True), rest
        server.run("mirror", STORE, "--models", str(node), "--once")
        assert verify_model(node, "diabetes") == ()
    finally:
        server.stop()


def test_once_says_whether_the_pod_may_start(s3: S3, store: str, trained_models: Path, tmp_path: Path) -> None:
    once = ("mirror", store, "--models", str(tmp_path / "node"), "--once")
    assert "there is no model in the store" in s3.run(*once, code=1)
    s3.run("push", store, "digits", "--models", str(trained_models))
    s3.put(f"{store.removeprefix('s3://')}/begun/1/saved_model.pb", b"half")
    assert "begun 1: not taken: it has no manifest yet" in s3.run(*once)
    assert "it has no manifest yet" in s3.run(*once, "--model", "begun", "--model", "digits", code=1)
    assert "diabetes: the store has no version of it" in s3.run(*once, "--model", "diabetes", code=1)
    gone = S3()  # nobody listens on port 0
    gone.run(*once, "--stale-ok")
    assert "cannot be" in gone.run(*once, code=1)
    assert "cannot be" in gone.run(*once, "--stale-ok", "--model", "diabetes", code=1)


def test_one_object_that_may_not_be_read_is_its_versions_fault_and_no_outage(
    s3: S3, store: str, own_models: Path, tmp_path: Path, publish_copy: Callable[[], int]
) -> None:
    node = tmp_path / "node"
    s3.run("push", store, "digits", "1", "--models", str(own_models), "--label", "stable")
    assert publish_copy() == 2
    s3.run("push", store, "digits", "2", "--models", str(own_models), "--label", "stable")
    s3.run("push", store, "diabetes", "--models", str(own_models))
    with proxy_before(s3.port) as proxy:
        proxy.denied = {"/digits/2/variables/variables.index"}
        environment = s3_environment(proxy.server_address[1])
        with mirroring(environment, store, "--models", str(node), "--watch", "0.2") as mirror:
            mirror.says("digits 2: not taken: digits/2/variables/variables.index may not be read")
            mirror.says("diabetes 1, digits 1; looking")
            weights = f"GET /{store.removeprefix('s3://')}/digits/2/variables/variables.data-00000-of-00001"
            fetched = proxy.asked.count(weights)
            proxy.denied = set()
            mirror.says("digits: stable none -> 2")
            assert proxy.asked.count(weights) == fetched + 1, "the version is not fetched again in vain"
            assert not any("trying again" in line for line in mirror.lines)
    assert verify_model(node, "digits") == ()
