"""What a job file may say about each family of networks."""

from typing import Any

import pytest

from serving.errors import InvalidJob
from training.job import parse_job

Content = dict[str, Any]
DENSE = {"units": [8], "activation": "relu", "dropout": 0.1}
CNN = DENSE | {"family": "cnn", "filters": [4]}
RECURRENT = DENSE | {"family": "recurrent", "embedding_units": 2, "cell": "gru", "cell_units": 3}
TRANSFER = DENSE | {
    "family": "transfer",
    "backbone": {"published": "digits_low", "version": 3},
    "frozen_epochs": 2,
    "fine_tune_learning_rate": 0.001,
    "fine_tune_layers": 1,
}
CUSTOM = {"family": "custom", "function": "my.networks:build"}


@pytest.mark.parametrize(
    "network", [CNN, RECURRENT, CUSTOM, TRANSFER | {"backbone": {"application": "ResNet50", "weights": "none"}}]
)
def test_each_family_takes_its_own_keys(content: Content, network: Content) -> None:
    parsed = parse_job(content | {"network": network}, "mine.toml")
    assert parsed.network.model_dump(include=set(network), mode="json", exclude_unset=True) == network


@pytest.mark.parametrize(
    ("network", "told"),
    [
        (DENSE | {"family": "mlp", "filters": [4]}, "network.filters: unknown key; there are: units, activation"),
        (CUSTOM | {"units": [4]}, "network.units: unknown key; there are: family, function"),
        (CNN | {"filters": []}, "network.filters: "),
        (CNN | {"kernel": 0}, "network.kernel: Input should be greater than 0, got 0"),
        (CNN | {"l2": -1}, "network.l2: Input should be greater than or equal to 0, got -1"),
        (RECURRENT | {"cell": "rnn"}, "network.cell: Input should be 'lstm' or 'gru', got 'rnn'"),
        (TRANSFER | {"backbone": {}}, "network.backbone: give either application or published"),
        (
            TRANSFER | {"backbone": {"publish": "x"}},
            "network.backbone.publish: unknown key; there are: application, wei",
        ),
        (TRANSFER | {"fine_tune_layers": 0}, "network.fine_tune_layers: Input should be greater than 0, got 0"),
        (CUSTOM | {"function": "build"}, "network.function: String should match pattern"),
        (CUSTOM | {"family": "resnet"}, "network: Input tag 'resnet' found using 'family' does not match"),
    ],
)
def test_wrong_value_is_named_with_what_was_expected(content: Content, network: Content, told: str) -> None:
    with pytest.raises(InvalidJob) as refused:
        parse_job(content | {"network": network}, "mine.toml")
    assert str(refused.value).startswith(f"mine.toml: {told}")
