"""`penstock models promote` and `rollback` at a gateway that asks who calls."""

import os
import re
from pathlib import Path

from serving.model_store.labels import read_labels
from tests.integration.promotion.conftest import Promote
from tests.key_files import KeyFile
from tests.processes import StartGateway, penstock


def test_the_key_is_asked_for_before_anything_is_tried_and_with_it_every_step_is_taken(
    start_gateway: StartGateway, pinned_models: Path, promote: Promote, tmp_path: Path
) -> None:
    assert "PENSTOCK_API_KEY" not in os.environ
    keys = KeyFile(tmp_path / "keys.toml")
    key = keys.new("release", "--models", "digits", "--verbs", "predict,read,metrics")
    narrow = keys.new("narrow", "--models", "digits", "--verbs", "predict,read")
    gateway = start_gateway("--models", str(pinned_models), "--api-keys", str(keys.path))

    for more, status in (((), 401), (("--api-key", narrow), 403)):
        printed, told = promote(gateway, 2, *more, code=1)
        assert f"/metrics answered {status}" in told
        assert "for this model and the verbs predict, read and metrics" in told
        assert "checksums" not in printed
        assert read_labels(pinned_models, "digits") == {"stable": 1}

    printed, told = promote(gateway, 2, "--api-key", key)
    assert len(re.findall(r"\d/6 [a-z ]+ \.\.\. ok", printed)) == 6
    assert read_labels(pinned_models, "digits") == {"stable": 2}

    place = ("digits", "--models", str(pinned_models), "--gateway", gateway.url)
    rolled = penstock("models", "rollback", *place, "--api-key", key)
    assert "answering with version 1 after" in rolled.stdout
    promote(gateway, 3, "--api-key", key)
    unseen = penstock("models", "rollback", *place)
    assert "not seen whether the gateway follows: " in unseen.stdout
    assert read_labels(pinned_models, "digits") == {"stable": 1}
    said = f"{printed}{told}{rolled.stdout}{rolled.stderr}{unseen.stdout}"
    assert not [each for each in (key, narrow) if each in said]
