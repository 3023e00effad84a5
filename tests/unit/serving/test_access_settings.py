"""Who may call, as settings: what belongs together, and where a gateway may listen that asks nobody."""

import pytest

from serving.access_settings import AccessSettings, refuse_public
from serving.errors import InvalidSettings
from serving.settings import load_settings


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "LOCALHOST."])
def test_loopback_needs_no_credentials(host: str) -> None:
    refuse_public(host, AccessSettings())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.7", "fe80::1", "gateway.example", "localhost.example"])  # noqa: S104 - what is refused
def test_others_addresses_need_credentials_or_a_word(host: str) -> None:
    with pytest.raises(InvalidSettings, match=r"--api-keys FILE.* --allow-anonymous"):
        refuse_public(host, AccessSettings())
    refuse_public(host, load_settings({}, {"PENSTOCK_ALLOW_ANONYMOUS": "true"}, {}))
    refuse_public(host, load_settings({"api_keys": "keys.toml"}, {}, {}))
    refuse_public(host, load_settings({"token_issuer": "https://id.example", "token_audience": "penstock"}, {}, {}))


@pytest.mark.parametrize("given", [{"token_issuer": "https://id.example"}, {"token_audience": "penstock"}])
def test_an_issuer_and_its_audience_belong_together(given: dict[str, object]) -> None:
    with pytest.raises(InvalidSettings, match="belong together"):
        load_settings(given, {}, {})


def test_a_clients_credential_in_the_environment_is_no_setting() -> None:
    assert load_settings({}, {"PENSTOCK_API_KEY": "psk_x", "PENSTOCK_TOKEN": "x"}, {}) == load_settings({}, {}, {})
