"""From a flow's requests to the steps of a call: deadline, headers, retries and hedges are decided here.

No sockets and no waiting. Time is the clock's that the settings name.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from random import random
from typing import cast

from penstock_client.call_headers import call_headers, credential_headers, deadline_headers, trace_headers
from penstock_client.call_options import CallOptions
from penstock_client.dialect import Dialect
from penstock_client.errors import DeadlineExceeded, PenstockError
from penstock_client.hedging import Latencies
from penstock_client.messages import Flow, Request, Response, Result
from penstock_client.retrying import Retries, RetryBudget, wait_before_retry
from penstock_client.settings import ClientSettings
from penstock_client.steps import Hedge, Outcome, Pause, Send, Steps


@dataclass(frozen=True, slots=True)
class _Call:
    """What holds for all attempts of a call. `ends_at` is the deadline, in the clock's seconds."""

    ends_at: float
    timeout_seconds: float
    headers: dict[str, str]
    traceparent: str | None
    hedge_by: Hashable


class Exchanges:
    """Makes the steps of a client's calls, and keeps what they share: the retry budget and the recent latencies.

    `chance` draws evenly from 0 to 1. Threads may share one.
    """

    def __init__(self, dialect: Dialect, settings: ClientSettings, *, chance: Callable[[], float] = random) -> None:
        self._dialect = dialect
        self._settings = settings
        self._now = settings.clock.now
        self._chance = chance
        self._budget = RetryBudget(settings.retries or Retries(), self._now())
        self._latencies: dict[Hashable, Latencies] = {}

    def steps(self, flow: Flow[Result], options: CallOptions, hedge_by: Hashable = None) -> Steps[Result]:
        """The steps that run `flow` to its result.

        `hedge_by` names whose latencies say when a slow request is sent twice; with None it never is. Raises what
        the flow raises, and the error that the last attempt ended with.
        """
        call = self._begin(options, hedge_by)
        try:
            request = next(flow)
            while True:
                request = flow.send((yield from self._exchange(request, call)))
        except StopIteration as stop:
            result: Result = stop.value
            return result

    def _begin(self, options: CallOptions, hedge_by: Hashable) -> _Call:
        timeout_seconds = options.timeout_seconds or self._settings.timeout_seconds
        traceparent = options.traceparent
        if traceparent is None and self._settings.traceparent is not None:
            traceparent = self._settings.traceparent()
        return _Call(self._now() + timeout_seconds, timeout_seconds, call_headers(options), traceparent, hedge_by)

    def _exchange(self, request: Request, call: _Call) -> Steps[Response]:
        """The response to be read, a refusal too; transport errors are raised."""
        self._budget.deposit()
        attempt = 1
        while True:
            outcome = yield from self._attempt(request, call)
            error = self._error_of(outcome)
            wait_seconds = self._wait_before_retry(error, attempt, call) if error is not None else None
            if wait_seconds is None:
                break
            yield Pause(wait_seconds)
            attempt += 1
        if isinstance(outcome, PenstockError):
            raise outcome
        return outcome

    def _attempt(self, request: Request, call: _Call) -> Steps[Outcome]:
        began_at = self._now()
        send = self._sent(request, call, began_at)
        outcome = cast("Outcome", (yield self._hedged(send, request, call)))
        if self._settings.hedging is not None and call.hedge_by is not None and self._error_of(outcome) is None:
            self._latencies.setdefault(call.hedge_by, Latencies()).add(self._now() - began_at)
        return outcome

    def _sent(self, request: Request, call: _Call, now: float) -> Send:
        remaining_seconds = call.ends_at - now
        if remaining_seconds <= 0:
            raise DeadlineExceeded(f"no answer within {call.timeout_seconds:g} s")
        headers = {
            **call.headers,
            **deadline_headers(remaining_seconds),
            **credential_headers(self._settings),
            **trace_headers(call.traceparent),
        }
        return Send(request.with_headers(headers), remaining_seconds)

    def _hedged(self, send: Send, request: Request, call: _Call) -> Send:
        after_seconds = self._hedge_after(call)
        if after_seconds is None:
            return send

        def again() -> Send | None:
            now = self._now()
            return self._sent(request, call, now) if now < call.ends_at and self._budget.withdraw(now) else None

        hedge = Hedge(after_seconds, again, lambda outcome: self._error_of(outcome) is None)
        return Send(send.request, send.timeout_seconds, hedge)

    def _hedge_after(self, call: _Call) -> float | None:
        hedging = self._settings.hedging
        if hedging is None or call.hedge_by is None:
            return None
        if hedging.after_seconds is not None:
            return hedging.after_seconds
        latencies = self._latencies.get(call.hedge_by)
        return None if latencies is None else latencies.percentile()

    def _wait_before_retry(self, error: PenstockError, attempt: int, call: _Call) -> float | None:
        retries = self._settings.retries
        if retries is None:
            return None
        now = self._now()
        remaining_seconds = call.ends_at - now
        wait_seconds = wait_before_retry(
            error, retries, attempt=attempt, remaining_seconds=remaining_seconds, chance=self._chance()
        )
        return wait_seconds if wait_seconds is not None and self._budget.withdraw(now) else None

    def _error_of(self, outcome: Outcome) -> PenstockError | None:
        return outcome if isinstance(outcome, PenstockError) else self._dialect.error_of(outcome)
