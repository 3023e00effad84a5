"""Which host and port a URL means, and what a channel is told."""

import pytest
from penstock_client.grpc_channels import channel_options, target_of


@pytest.mark.parametrize(
    ("url", "address", "secure"),
    [
        ("grpc://127.0.0.1:9000", "127.0.0.1:9000", False),
        ("grpc://models.example/", "models.example:8500", False),
        ("grpcs://models.example", "models.example:443", True),
        ("grpc://[::1]:9000", "[::1]:9000", False),
    ],
)
def test_a_url_names_a_host_and_a_port(url: str, address: str, secure: bool) -> None:  # noqa: FBT001 - parametrized
    target = target_of(url)
    assert (target.address, target.secure) == (address, secure)


@pytest.mark.parametrize("url", ["grpc://", "http://a", "grpc://a/v1", "grpc://a?b=c", "grpc://user@a", "grpc://a:b"])
def test_anything_else_is_wrong_use(url: str) -> None:
    with pytest.raises(ValueError, match="it must be grpc://host:port"):
        target_of(url)


@pytest.mark.parametrize(("host", "asked"), [("127.0.0.1", 0), ("localhost", 0), ("[::1]", 0), ("models.example", 1)])
def test_only_another_machine_is_asked_through_a_proxy(host: str, asked: int) -> None:
    assert dict(channel_options(target_of(f"grpc://{host}")))["grpc.enable_http_proxy"] == asked


def test_a_password_in_a_wrong_url_is_not_shown() -> None:
    with pytest.raises(ValueError, match="it must be grpc://host:port") as wrong:
        target_of("grpcs://me:opensesame@models.example")
    assert "opensesame" not in str(wrong.value)
