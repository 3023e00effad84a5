"""The rule files as tests read them."""

from pathlib import Path
from typing import Any

import yaml

MONITORING = Path(__file__).parents[3] / "k8s" / "components" / "monitoring"
RULE_FILES = tuple(sorted((MONITORING / "rules").glob("*.yaml")))


def rules() -> list[dict[str, Any]]:
    """Every rule of every file and group."""
    documents = [yaml.safe_load(path.read_text()) for path in RULE_FILES]
    return [rule for document in documents for group in document["groups"] for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def recorded() -> dict[str, str]:
    """Each recorded series and its expression."""
    return {rule["record"]: rule["expr"] for rule in rules() if "record" in rule}
