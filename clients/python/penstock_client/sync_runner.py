"""Does the steps of a call, one after the other; a hedge is sent by another thread. Decides nothing."""

from concurrent.futures import ThreadPoolExecutor, as_completed, wait

from penstock_client.clocks import Clock
from penstock_client.errors import DeadlineExceeded, PenstockError
from penstock_client.messages import Result
from penstock_client.steps import Hedge, Outcome, Pause, Send, Steps
from penstock_client.transports import Transport

HEDGED_AT_ONCE = 128
"""Requests of hedged calls under way at once, two for each call; the threads are started when they are needed."""


class SyncRunner:
    """Threads may share one."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock
        self._threads = ThreadPoolExecutor(HEDGED_AT_ONCE, "penstock-hedge")

    def run(self, steps: Steps[Result]) -> Result:
        try:
            step = next(steps)
            while True:
                step = steps.send(self._do(step))
        except StopIteration as stop:
            result: Result = stop.value
            return result

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._transport.close()

    def _do(self, step: Send | Pause) -> Outcome | None:
        if isinstance(step, Pause):
            self._clock.sleep(step.seconds)
            return None
        return self._send(step) if step.hedge is None else self._race(step, step.hedge)

    def _send(self, step: Send) -> Outcome:
        try:
            return self._transport.send(step.request, timeout_seconds=step.timeout_seconds)
        except PenstockError as error:
            return error

    def _race(self, step: Send, hedge: Hedge) -> Outcome:
        """A blocking request cannot be called off: the slower one's thread ends with its answer, or at the deadline.

        The deadline also ends the wait where all threads are such ones' and none is left for this call.
        """
        first = self._threads.submit(self._send, step)
        after_seconds = min(hedge.after_seconds, step.timeout_seconds)
        wait([first], timeout=after_seconds)
        other = None if first.done() else hedge.again()
        racing = [first] if other is None else [first, self._threads.submit(self._send, other)]
        try:
            for finished in as_completed(racing, timeout=step.timeout_seconds - after_seconds):
                if hedge.is_good(finished.result()):
                    break
            return finished.result()
        except TimeoutError:
            return DeadlineExceeded(f"no answer within {step.timeout_seconds:g} s")
        finally:
            for each in racing:
                each.cancel()
