import re
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from serving.errors import InvalidSettings
from serving.model_settings import ModelSettings
from serving.settings import Settings, load_settings

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "settings.md"
UNITS = ("bytes", "rows", "batches", "seconds")


def test_without_any_source_the_defaults_stand() -> None:
    assert load_settings({}, {}, {}) == Settings()


@pytest.mark.parametrize(
    ("file", "environment", "arguments", "port"),
    [
        ({"port": 1}, {}, {}, 1),
        ({"port": 1}, {"PENSTOCK_PORT": "2"}, {}, 2),
        ({"port": 1}, {"PENSTOCK_PORT": "2"}, {"port": "3"}, 3),
        ({"port": 1}, {}, {"port": "3"}, 3),
        ({"port": "no"}, {"PENSTOCK_PORT": "2"}, {}, 2),
    ],
)
def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    file: dict[str, object], environment: dict[str, str], arguments: dict[str, object], port: int
) -> None:
    assert load_settings(file, environment, arguments).port == port


def test_each_source_may_bring_its_part() -> None:
    settings = load_settings({"max_batch_rows": 8}, {"PENSTOCK_MODELS": "/srv/m"}, {"host": "::1"})
    assert (settings.max_batch_rows, settings.models, settings.host) == (8, Path("/srv/m"), "::1")


def test_other_peoples_variables_are_left_alone() -> None:
    assert load_settings({}, {"PORT": "x", "MY_PENSTOCK_PORT": "x", "PENSTOCKPORT": "x"}, {}) == Settings()


@pytest.mark.parametrize(
    ("text", "names"), [("digits", ("digits",)), (" a, b ,c", ("a", "b", "c")), ("", ()), (",,", ())]
)
def test_required_models_stand_in_the_environment_with_commas(text: str, names: tuple[str, ...]) -> None:
    assert load_settings({}, {"PENSTOCK_REQUIRED_MODELS": text}, {}).required_models == names


def test_required_models_stand_in_the_file_as_a_list() -> None:
    assert load_settings({"required_models": ["a", "b"]}, {}, {}).required_models == ("a", "b")


def test_all_faults_are_told_together_each_with_its_source() -> None:
    with pytest.raises(InvalidSettings) as refused:
        load_settings({"max_batch_rows": 0}, {"PENSTOCK_DRAIN_SECONDS": "soon"}, {"port": "99999"})
    sources = [fault.split(":")[0] for fault in str(refused.value).split("; ")]
    assert sorted(sources) == ["--port", "PENSTOCK_DRAIN_SECONDS", "max_batch_rows"]


@pytest.mark.parametrize(
    ("file", "environment", "source"),
    [({"prot": 1}, {}, "prot"), ({}, {"PENSTOCK_PROT": "1"}, "PENSTOCK_PROT"), ({}, {"PENSTOCK_": "1"}, "PENSTOCK_")],
)
def test_an_unknown_setting_is_refused_with_the_list(
    file: dict[str, object], environment: dict[str, str], source: str
) -> None:
    with pytest.raises(InvalidSettings, match=f"^{source}: no such setting; there are .*models, backend, host, port, "):
        load_settings(file, environment, {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "-1"),
        ("port", "65536"),
        ("port", ""),
        ("workers", "0"),
        ("workers", "257"),
        ("max_body_bytes", "0"),
        ("max_batch_rows", "1.5"),
        ("request_timeout_seconds", "0"),
        ("request_timeout_seconds", "inf"),
        ("poll_seconds", "nan"),
        ("backend", "triton"),
        ("log_level", "loud"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_its_variable(name: str, value: str) -> None:
    with pytest.raises(InvalidSettings, match=f"^PENSTOCK_{name.upper()}: "):
        load_settings({}, {f"PENSTOCK_{name.upper()}": value}, {})


def test_models_have_settings_of_their_own_published_or_not() -> None:
    file = {"model": {"digits": {"max_batch_rows": 8, "request_timeout_seconds": 60}, "later": {}}}
    settings = load_settings(file, {}, {})
    assert settings.model == {
        "digits": ModelSettings(max_batch_rows=8, request_timeout_seconds=60.0),
        "later": ModelSettings(),
    }
    assert settings.model_timeouts == {"digits": 60.0}


def test_a_models_faults_are_told_with_all_others_by_their_path() -> None:
    model = {"max_batch_rows": 0, "max_batch": 1, "default_priority": "urgent"}
    with pytest.raises(InvalidSettings) as refused:
        load_settings({"port": -1, "model": {"digits": model, "b.c": 1}}, {"PENSTOCK_MODEL": "x"}, {})
    told = str(refused.value).split("; ")
    paths = ["PENSTOCK_MODEL", "model.b.c", *(f"model.digits.{name}" for name in sorted(model)), "port"]
    assert sorted(fault.split(":")[0] for fault in told if not fault.startswith("there are")) == paths
    assert "model.digits.max_batch: no such setting of a model" in str(refused.value)


def test_the_environment_says_nothing_of_single_models() -> None:
    with pytest.raises(InvalidSettings, match=r"^PENSTOCK_MODEL: settings of one model stand in the file$"):
        load_settings({}, {"PENSTOCK_MODEL": "{}"}, {})


@pytest.mark.parametrize("address", ["tf:8500", "dns:///tf.models.svc:8500", "unix:/run/tf.sock", "[::1]:8500"])
def test_model_servers_have_addresses_of_three_forms(address: str) -> None:
    environment = {"PENSTOCK_BACKEND": "tfserving", "PENSTOCK_TFSERVING_ADDRESSES": f"{address}, b:1"}
    assert load_settings({}, environment, {}).tfserving_addresses == (address, "b:1")
    settings = load_settings({"backend": "tfserving"}, {}, {"tfserving_addresses": f"{address},b:1"})
    assert settings.tfserving_addresses == (address, "b:1")


@pytest.mark.parametrize("address", ["tf", "http://tf:8500", "dns:tf:8500", "tf:port", "unix:", "a b:1", "::1:8500"])
def test_what_is_no_address_of_a_model_server_is_refused(address: str) -> None:
    with pytest.raises(InvalidSettings, match=r"^--tfserving-addresses: .*host:port"):
        load_settings({"backend": "tfserving"}, {}, {"tfserving_addresses": address})


def test_the_backend_tfserving_needs_an_address() -> None:
    with pytest.raises(InvalidSettings, match=r"^tfserving_addresses: .* needs the address of a model server"):
        load_settings({"backend": "tfserving"}, {}, {})


@pytest.mark.parametrize(
    "files", [{"cert": "c.pem", "ca": "a.pem"}, {"key": "k.pem", "ca": "a.pem"}, {"cert": "c.pem", "key": "k.pem"}]
)
def test_a_certificate_without_its_key_or_its_authorities_is_refused(files: dict[str, str]) -> None:
    with pytest.raises(InvalidSettings, match=r"^tfserving_tls_key: "):
        load_settings({f"tfserving_tls_{name}": path for name, path in files.items()}, {}, {})


def test_a_table_where_the_model_directory_belongs_is_told_its_place() -> None:
    with pytest.raises(InvalidSettings, match=r"^models: a table; .* under \[model\.<name>\]$"):
        load_settings({"models": {"digits": {}}}, {}, {})


def test_settings_never_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1


@pytest.mark.parametrize(("part", "listed"), [(0, Settings), (1, ModelSettings)])
def test_the_settings_page_lists_each_setting_with_its_unit_default_and_meaning(
    part: int, listed: type[BaseModel]
) -> None:
    text = DOCUMENT.read_text().split("## Settings of one model")[part]
    rows = re.findall(r"^\| `(\w+)` \| (.*) \| (.*) \| (.*) \|$", text, re.MULTILINE)
    documented = [(name, default, meaning) for name, _, default, meaning in rows]
    assert documented == [
        (name, f"`{field.get_default()}`" if field.get_default() not in ((), {}) else "none", field.description)
        for name, field in listed.model_fields.items()
    ]
    assert all(unit == name.rsplit("_", 1)[1] for name, unit, _, _ in rows if name.endswith(UNITS))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PENSTOCK_SERVICE_HOST", "10.0.0.7"),
        ("PENSTOCK_SERVICE_PORT", "8080"),
        ("PENSTOCK_SERVICE_PORT_REST", "8080"),
        ("PENSTOCK_PORT", "tcp://10.0.0.7:8080"),
        ("PENSTOCK_PORT_8080_TCP", "tcp://10.0.0.7:8080"),
        ("PENSTOCK_PORT_8080_TCP_PORT", "8080"),
        ("PENSTOCK_REQUIRE_ALL", "1"),
        ("PENSTOCK_TEST_TFSERVING", "127.0.0.1:8500"),
    ],
)
def test_what_kubernetes_and_the_tests_say_is_no_setting(name: str, value: str) -> None:
    assert load_settings({}, {name: value}, {}) == load_settings({}, {}, {})


def test_predictions_that_are_to_be_logged_need_a_folder() -> None:
    model = {"digits": {"prediction_log_share": 0.1}}
    with pytest.raises(InvalidSettings, match=r"^prediction_log: models have a prediction_log_share \(digits\)"):
        load_settings({"model": model}, {}, {})
    assert load_settings({"model": model, "prediction_log": "log"}, {}, {}).prediction_log == Path("log")


@pytest.mark.parametrize("endpoint", ["localhost:4318", "http://", "grpc://localhost:4317"])
def test_an_endpoint_that_is_no_http_address_is_refused(endpoint: str) -> None:
    with pytest.raises(InvalidSettings, match=r"^tracing_endpoint: "):
        load_settings({"tracing_endpoint": endpoint}, {}, {})


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"tls_cert": "c.pem"}, "tls_key"),
        ({"tls_key": "k.pem"}, "tls_key"),
        ({"tls_client_ca": "a.pem"}, "tls_client_ca"),
    ],
)
def test_half_of_what_tls_takes_is_refused(given: dict[str, str], name: str) -> None:
    with pytest.raises(InvalidSettings, match=f"^{name}: "):
        load_settings(given, {}, {})
