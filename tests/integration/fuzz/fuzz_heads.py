"""What a request says before its body: trace context, deadline, lane, preferred form, and the model it names. A line
each, in this order.
"""

import contextlib

import atheris

with atheris.instrument_imports(include=["serving"]):
    from serving.errors import InvalidInput, UnknownVersion
    from serving.observability.trace_context import read_context, says_no
    from serving.rest.accept import preferred
    from serving.rest.request_head import PRIORITY_HEADER, TIMEOUT_HEADER, RequestHead, reference_of
    from tests.integration.fuzz.frame import fuzz

FORMS = ("application/json", "application/x-ndjson")


def trace(traceparent: bytes, tracestate: bytes) -> None:
    """A context that is read is said on so that it reads the same; one that plainly says no is not kept."""
    context = read_context(traceparent, tracestate)
    if context is None:
        return
    assert read_context(context.traceparent.encode(), context.tracestate.encode() or None) == context
    assert not (says_no(traceparent) and context.is_sampled)


def knobs(timeout: bytes, lane: bytes, accept: bytes) -> None:
    head = RequestHead({TIMEOUT_HEADER: timeout})
    with contextlib.suppress(InvalidInput):
        assert 0 < head.timeout_seconds(30.0) <= 30.0
    assert preferred(accept, FORMS) in FORMS
    RequestHead({PRIORITY_HEADER: lane}).lane()


def model(name: bytes, version: bytes) -> None:
    parameters = {"model": name.decode("latin-1"), "version": version.decode("latin-1")}
    try:
        found = reference_of(parameters)
    except UnknownVersion:
        return
    assert found.version is None or 0 <= found.version < 10**18


def one_input(data: bytes) -> None:
    lines = [*data.split(b"\n", 6), *[b""] * 7]
    trace(lines[0], lines[1])
    model(lines[5], lines[6])
    knobs(lines[2], lines[3], lines[4])


if __name__ == "__main__":
    fuzz(one_input)
