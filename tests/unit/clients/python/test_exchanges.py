"""What a call sends and when, attempt by attempt: deadlines, headers, retries. Nothing waits and nobody is asked."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from penstock_client import errors
from penstock_client.call_options import CallArguments, CallOptions
from penstock_client.exchanges import Exchanges
from penstock_client.hedging import ENOUGH, Hedging
from penstock_client.in_process import FakeClock
from penstock_client.messages import Flow, Request, Response
from penstock_client.rest_dialect import RestDialect
from penstock_client.retrying import Retries
from penstock_client.settings import ClientSettings, SettingsArguments
from penstock_client.steps import Outcome, Pause, Send
from penstock_client.trace_context import new_traceparent

GOOD = Response(200, {}, b"{}")
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def full(retry_after: str = "2") -> Response:
    return Response(503, {"retry-after": retry_after}, b'{"error": "full", "code": "Overloaded"}')


def one_request() -> Flow[Response]:
    return (yield Request("GET", "/v1/models", {"accept": "application/json"}))


def two_requests() -> Flow[Response]:
    yield Request("GET", "/first")
    return (yield Request("GET", "/second"))


class Told:
    """Runs one call: each Send takes `took_seconds` and is answered by the next outcome."""

    def __init__(self, clock: FakeClock, exchanges: Exchanges) -> None:
        self.clock, self.exchanges = clock, exchanges
        self.sent: list[Send] = []
        self.pauses: list[float] = []

    def run(
        self,
        *outcomes: Outcome,
        flow: Callable[[], Flow[Response]] = one_request,
        took_seconds: float = 0.0,
        **options: Any,
    ) -> Response:
        left = list(outcomes)
        steps = self.exchanges.steps(flow(), CallOptions(**options), "key")
        try:
            step = next(steps)
            while True:
                if isinstance(step, Pause):
                    self.pauses.append(step.seconds)
                    self.clock.advance(step.seconds)
                    step = steps.send(None)
                else:
                    self.sent.append(step)
                    self.clock.advance(took_seconds)
                    step = steps.send(left.pop(0))
        except StopIteration as stop:
            result: Response = stop.value
            return result

    @property
    def headers(self) -> list[dict[str, str]]:
        return [dict(send.request.headers) for send in self.sent]


Tell = Callable[..., Told]


@pytest.fixture
def tell() -> Tell:
    def made(**settings: Any) -> Told:
        clock = FakeClock()
        return Told(clock, Exchanges(RestDialect(), ClientSettings(clock=clock, **settings), chance=lambda: 0.5))

    return made


def test_a_good_answer_ends_it(tell: Tell) -> None:
    told = tell(timeout_seconds=3)
    assert told.run(GOOD) is GOOD
    assert told.headers == [{"accept": "application/json", "x-request-timeout-ms": "3000"}]
    assert (told.sent[0].timeout_seconds, told.sent[0].hedge, told.pauses) == (3, None, [])


def test_one_deadline_runs_through_all_requests_attempts_and_waits(tell: Tell) -> None:
    told = tell(timeout_seconds=10)
    told.run(GOOD, full(), GOOD, flow=two_requests, took_seconds=1.5)
    assert told.pauses == pytest.approx([2.05])
    assert [send.timeout_seconds for send in told.sent] == pytest.approx([10, 8.5, 4.95])
    assert [each["x-request-timeout-ms"] for each in told.headers] == ["10000", "8500", "4950"]


def test_a_call_may_have_a_deadline_of_its_own(tell: Tell) -> None:
    told = tell(timeout_seconds=10)
    told.run(GOOD, timeout_seconds=0.25)
    assert told.headers[0]["x-request-timeout-ms"] == "250"


def test_a_retry_that_would_come_after_the_deadline_is_not_waited_for(tell: Tell) -> None:
    told = tell(timeout_seconds=1)
    assert told.run(full("2")).status == 503
    assert told.pauses == []


def test_without_time_for_the_next_request_the_deadline_is_told(tell: Tell) -> None:
    with pytest.raises(errors.DeadlineExceeded, match="within 1 s"):
        tell(timeout_seconds=1).run(GOOD, GOOD, flow=two_requests, took_seconds=1)


def test_a_broken_connection_is_asked_again_and_the_last_error_is_raised(tell: Tell) -> None:
    told = tell(retries=Retries(attempts=3))
    broken = [errors.ConnectionFailed(f"broken {number}") for number in range(3)]
    with pytest.raises(errors.ConnectionFailed, match="broken 2"):
        told.run(*broken)
    assert told.pauses == pytest.approx([0.05, 0.1])


def test_what_cannot_be_mended_is_handed_on_at_once(tell: Tell) -> None:
    told = tell()
    refused = Response(400, {}, b'{"error": "no", "code": "InvalidInput"}')
    assert told.run(refused) is refused
    assert len(told.sent) == 1


def test_without_retries_the_first_error_is_the_last(tell: Tell) -> None:
    told = tell(retries=None)
    assert told.run(full()).status == 503
    assert len(told.sent) == 1


def test_the_budget_of_the_client_ends_retries_of_all_its_calls(tell: Tell) -> None:
    told = tell(retries=Retries(budget_most=2, budget_per_request=0.25, budget_per_second=0))
    for sent_so_far in (3, 4, 5, 6, 8):
        assert told.run(*[full("0")] * 3).status == 503
        assert len(told.sent) == sent_so_far


def test_priority_request_id_and_credentials_go_with_every_attempt(tell: Tell) -> None:
    told = tell(api_key="secret")
    told.run(full(), GOOD, priority="batch", request_id="order-7")
    for headers in told.headers:
        assert (headers["x-priority"], headers["x-request-id"], headers["x-api-key"]) == ("batch", "order-7", "secret")


def test_a_token_that_expires_is_asked_for_each_attempt(tell: Tell) -> None:
    tokens = iter(["first", "second"])
    told = tell(token=lambda: next(tokens))
    told.run(full(), GOOD)
    assert [each["authorization"] for each in told.headers] == ["Bearer first", "Bearer second"]


def test_a_plain_token_is_a_bearers(tell: Tell) -> None:
    told = tell(token="plain")  # noqa: S106 - of this test alone
    told.run(GOOD)
    assert told.headers[0]["authorization"] == "Bearer plain"


def test_every_attempt_keeps_the_trace_with_a_span_of_its_own(tell: Tell) -> None:
    told = tell(traceparent=new_traceparent)
    told.run(full(), GOOD, traceparent=TRACE)
    told.run(GOOD)
    first, second, other = (each["traceparent"] for each in told.headers)
    assert first[:36] == second[:36] == TRACE[:36]
    assert len({first, second, TRACE}) == 3
    assert other[:36] != TRACE[:36]


def test_a_hedge_is_sent_after_the_given_time_and_paid_from_the_budget(tell: Tell) -> None:
    retries = Retries(budget_most=1, budget_per_second=0, budget_per_request=0)
    told = tell(hedging=Hedging(after_seconds=0.2), retries=retries, timeout_seconds=4)
    told.run(GOOD)
    hedge = told.sent[0].hedge
    assert hedge is not None
    assert hedge.after_seconds == 0.2
    told.clock.advance(1)
    again = hedge.again()
    assert again is not None
    assert (again.timeout_seconds, again.request.headers["x-request-timeout-ms"]) == (3, "3000")
    assert hedge.again() is None
    assert hedge.is_good(GOOD)
    assert not hedge.is_good(full())


def test_past_the_deadline_nothing_is_hedged(tell: Tell) -> None:
    told = tell(hedging=Hedging(after_seconds=0.2), timeout_seconds=4)
    told.run(GOOD)
    told.clock.advance(4)
    hedge = told.sent[0].hedge
    assert hedge is not None
    assert hedge.again() is None


def test_the_p95_of_good_answers_says_when_to_hedge(tell: Tell) -> None:
    told = tell(hedging=Hedging())
    for number in range(ENOUGH):
        told.run(GOOD, took_seconds=0.01 * (number + 1))
    assert [send.hedge for send in told.sent] == [None] * ENOUGH
    told.run(Response(400, {}, b"{}"), took_seconds=9)
    told.run(GOOD)
    hedge = told.sent[-1].hedge
    assert hedge is not None
    assert hedge.after_seconds == pytest.approx(0.19)


def test_the_arguments_are_the_settings() -> None:
    assert set(SettingsArguments.__annotations__) == set(ClientSettings.__dataclass_fields__)
    assert set(CallArguments.__annotations__) == set(CallOptions.__dataclass_fields__)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"api_key": "a", "token": "b"}, "name one of them"),
        ({"timeout_seconds": 0}, "above 0 and finite"),
    ],
)
def test_settings_that_make_no_sense_are_wrong_use(wrong: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ClientSettings(**wrong)


def test_a_priority_that_the_gateway_does_not_know_is_wrong_use() -> None:
    with pytest.raises(ValueError, match="high, normal or batch"):
        CallOptions(priority="urgent")  # type: ignore[arg-type]  # the claim is that this fails


def test_secrets_do_not_stand_in_the_settings_text() -> None:
    assert "secret" not in repr(ClientSettings(api_key="secret")) + json.dumps(str(ClientSettings(token="secret")))  # noqa: S106 - of this test alone
