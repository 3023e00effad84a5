import re
from pathlib import Path

from serving.model_server.flags import FLAGS, Deployment, flag_lines


def test_the_threads_are_enough_for_the_batches_of_all_gateways() -> None:
    flags = [flag for flag, _ in flag_lines(Deployment(gateways=3, in_flight=4))]
    assert "--grpc_max_threads=16" in flags


def test_cores_and_folder_are_the_deployments() -> None:
    flags = dict(flag.split("=", 1) for flag, _ in flag_lines(Deployment(cores=7, config_folder="/etc/tfs/")))
    assert flags["--tensorflow_intra_op_parallelism"] == flags["--tensorflow_inter_op_parallelism"] == "7"
    assert flags["--model_config_file"] == "/etc/tfs/models.config"


def test_only_a_gpu_gets_the_flags_of_one() -> None:
    on_cpu, on_gpu = (dict(flag_lines(Deployment(gpu=gpu))) for gpu in (False, True))
    assert set(on_gpu) - set(on_cpu) == {"--per_process_gpu_memory_fraction=0.9", "--xla_gpu_compilation_enabled=true"}
    assert set(on_cpu) < set(on_gpu)


def test_every_flag_has_a_name_of_its_own_and_a_reason() -> None:
    assert len({flag.name for flag in FLAGS}) == len(FLAGS)
    assert all(re.fullmatch(r"[a-z_]+", flag.name) and flag.reason.endswith(".") for flag in FLAGS)


def test_the_operations_page_explains_each_flag_as_the_table_does() -> None:
    page = (Path(__file__).parents[4] / "docs" / "operations.md").read_text()
    explained = re.findall(r"^\| `--([a-z_]+)=(.*?)` \| (.*) \|$", page, re.MULTILINE)
    assert explained == [(flag.name, flag.value, flag.reason) for flag in FLAGS]
