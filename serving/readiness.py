"""When the gateway is ready: one rule for every protocol's health.

Pure. A model or backend lost later shows in metrics and refusals and not here, so that one bad model never takes every
gateway out.
"""

from collections.abc import Sequence


def missing_models(been_live: frozenset[str], required: Sequence[str]) -> str:
    """Why the gateway is not ready; empty when it is."""
    if not required:
        return "" if been_live else "no model version is live yet"
    waited_for = [model for model in required if model not in been_live]
    return f"not live yet: {', '.join(waited_for)}" if waited_for else ""
