from pathlib import Path

import pytest

from serving.model_server.configs import PublishedModel, batching_config, models_config, monitoring_config
from serving.model_server.doctor.facts import Batching, ConfiguredModel, Monitoring, ServerFacts
from serving.model_server.doctor.read_server import flags_in, read_server


@pytest.mark.parametrize(
    "text",
    [
        "tensorflow_model_server --port=8500 --enable_batching --model_name='a b'",
        'CMD ["tensorflow_model_server", "--port=8500", "--enable_batching", \\\n "--model_name=a b"]',
        'args:\n  - --port=8500\n  - --enable_batching\n  # - --rest_api_port=8501\n  - "--model_name=a b"\n',
    ],
    ids=["shell", "Dockerfile", "YAML"],
)
def test_flags_are_found_in_whatever_holds_a_command_line(text: str) -> None:
    found = flags_in(text)
    assert (found["port"], found["enable_batching"]) == ("8500", "true")
    assert found["model_name"].startswith("a")
    assert "rest_api_port" not in found


def test_the_files_that_penstock_writes_are_read(tmp_path: Path) -> None:
    models = [PublishedModel("digits", (1, 2), {"stable": 1}, (), (4, 8))]
    paths = {name: tmp_path / name for name in ("models.config", "batching.config", "monitoring.config", "flags")}
    paths["models.config"].write_text(models_config(models, "/models"))
    paths["batching.config"].write_text(batching_config(models, threads=2))
    paths["monitoring.config"].write_text(monitoring_config())
    paths["flags"].write_text("--port=8500")
    read = read_server(
        {
            "models.config": paths["models.config"],
            "batching.config": paths["batching.config"],
            "monitoring.config": paths["monitoring.config"],
        },
        [paths["flags"]],
        ServerFacts(version=(2, 20)),
    )
    assert read == ServerFacts(
        models=(ConfiguredModel("digits", "/models/digits", "specific", (1, 2), {"stable": 1}),),
        batching=Batching(8, (4, 8), pads=False, splits=False),
        monitoring=Monitoring(enabled=True, path="/monitoring/prometheus/metrics"),
        flags={"port": "8500"},
        version=(2, 20),
    )


def test_flags_may_stand_in_several_files_and_the_last_counts(tmp_path: Path) -> None:
    image, compose = tmp_path / "Dockerfile", tmp_path / "compose.yaml"
    image.write_text('ENTRYPOINT ["--port=8500", "--num_load_threads=1"]')
    compose.write_text('command: ["--port=9500"]')
    assert read_server({}, [image, compose], ServerFacts()).flags == {"port": "9500", "num_load_threads": "1"}


def test_what_is_not_named_is_not_known() -> None:
    assert read_server({"models.config": None}, [], ServerFacts()) == ServerFacts()


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    broken, empty = tmp_path / "broken", tmp_path / "empty"
    broken.write_text("model_config_list { config { nme: 'x' } }")
    empty.write_text("no flags")
    read = read_server({"models.config": broken, "batching.config": tmp_path / "gone"}, [empty], ServerFacts())
    assert read.models is None
    one, two, three = read.problems
    assert "nme" in one
    assert "No such file" in two
    assert "there is no --name=value in it" in three
