"""Every route of the OpenAPI document driven by requests made from it: nothing fails, and answers are as described."""

import os
import sys
from collections import Counter
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from tests.processes import GatewayProcess

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = int(os.environ.get("PENSTOCK_TEST_OPENAPI_EXAMPLES", "25"))
"""Of each route: half a second a route. `make fuzz` asks for more."""
NAMED = st.sampled_from(("digits", "diabetes", None))
"""Models that are there, or whatever the case has made up."""


def test_no_request_made_from_the_document_fails_or_is_answered_otherwise(gateway: GatewayProcess) -> None:
    described = schemathesis.openapi.from_url(gateway.url + "/openapi.json")
    statuses: Counter[int] = Counter()
    operations: list[Any] = [found.ok() for found in described.get_all_operations()]  # type: ignore[union-attr] # a fault is one
    for operation in operations:
        drive(operation, statuses)
    sys.stdout.write(
        f"{sum(statuses.values())} requests of {len(operations)} routes: {dict(sorted(statuses.items()))}\n"
    )
    assert len(operations) >= 25
    assert min(statuses[200], statuses[400], statuses[404]) > 20


def drive(operation: Any, statuses: Counter[int]) -> None:
    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=cases(operation), named=NAMED)
    def one(case: Any, named: str | None) -> None:
        if case.headers:
            case.headers.pop("X-Request-Timeout-Ms", None)  # a deadline of nothing is a 504, and rightly
        if named:
            case.path_parameters.update(
                {key: {"model": named, "version": "1"}.get(key, value) for key, value in case.path_parameters.items()}
            )
        statuses[case.call_and_validate(checks=CHECKS).status_code] += 1

    one()


def cases(operation: Any) -> Any:
    """Requests that the document allows and, where there is a body to be wrong, as many that it does not."""
    allowed = operation.as_strategy()
    return st.one_of(allowed, operation.as_strategy(GenerationMode.NEGATIVE)) if operation.body else allowed
