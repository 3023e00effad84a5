"""TensorFlow Serving's files as the commands make them: kept in step as a process, and judged on real exports."""

import contextlib
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path

from serving.model_server.text_protos import parse_text
from tests.doubles import doubles_manifest, publish_in_miniature
from tests.processes import STOP_SECONDS, penstock

BOUND_SECONDS = 60.0


def read_lines(process: "subprocess.Popen[str]", lines: "queue.Queue[str]") -> None:
    assert process.stdout
    for line in process.stdout:
        lines.put(line)


def test_watching_follows_versions_and_stops_when_asked(tmp_path: Path) -> None:
    models, out = tmp_path / "models", tmp_path / "config"
    publish_in_miniature(models, doubles_manifest())
    command = ["model-server", "config", str(models), "--out", str(out), "--watch", "--poll-seconds", "0.05"]
    lines: queue.Queue[str] = queue.Queue()
    command = [sys.executable, "-m", "penstock_cli", *command]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process, contextlib.ExitStack() as stack:
        reading = threading.Thread(target=read_lines, args=(process, lines))
        reading.start()
        stack.callback(reading.join)
        stack.callback(process.kill)
        assert lines.get(timeout=BOUND_SECONDS).endswith("doubles 1\n")
        publish_in_miniature(models, doubles_manifest(version=2))
        assert lines.get(timeout=BOUND_SECONDS).endswith("doubles 1+2\n")
        (config,) = parse_text("models.config", (out / "models.config").read_text()).model_config_list.config
        assert list(config.model_version_policy.specific.versions) == [1, 2]
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0


def test_the_doctor_finds_nothing_on_real_exports_and_our_own_files(own_models: Path, tmp_path: Path) -> None:
    penstock("models", "promote", "digits", "1", "--offline", "--models", str(own_models))
    penstock("model-server", "config", str(own_models), "--out", str(tmp_path / "config"), "--base-path", "/models")
    flags = tmp_path / "flags"
    flags.write_text(penstock("model-server", "flags", "--plain").stdout)
    files = ("--config-folder", str(tmp_path / "config"), "--flags", str(flags))
    told = penstock("doctor", str(own_models), *files, "--server-version", "2.21").stdout
    assert told == "2 versions of 2 models, 41 rules: nothing found\n"
