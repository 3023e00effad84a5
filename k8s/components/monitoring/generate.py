"""Writes dashboard.json and prometheusrule.yaml, which are committed, from dashboard.py and rules/*.yaml."""

import json
from pathlib import Path
from textwrap import indent

from k8s.components.monitoring.dashboard import dashboard

HERE = Path(__file__).parent
DASHBOARD, PROMETHEUS_RULE = HERE / "dashboard.json", HERE / "prometheusrule.yaml"
RULES = HERE / "rules"
_HEAD = """\
# Made by `make monitoring` from rules/*.yaml: change those.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: penstock
  labels:
    app.kubernetes.io/name: penstock
spec:
  groups:
"""


def dashboard_text() -> str:
    return json.dumps(dashboard(), indent=2) + "\n"


def prometheus_rule_text() -> str:
    """The groups of all rule files, comments and all, as the Prometheus operator takes them."""
    return _HEAD + "\n".join(indent(_groups(path.read_text()), "  ") for path in sorted(RULES.glob("*.yaml")))


def _groups(text: str) -> str:
    comment, groups = text.split("groups:\n", 1)
    return indent(comment, "  ") + groups


def main() -> None:
    DASHBOARD.write_text(dashboard_text())
    PROMETHEUS_RULE.write_text(prometheus_rule_text())


if __name__ == "__main__":
    main()
