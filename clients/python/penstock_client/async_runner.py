"""Does the steps of a call by `await`; a hedge is a task of its own. Decides nothing."""

import asyncio

from penstock_client.clocks import Clock
from penstock_client.errors import PenstockError
from penstock_client.messages import Result
from penstock_client.steps import Hedge, Outcome, Pause, Send, Steps
from penstock_client.transports import AsyncTransport


class AsyncRunner:
    """For the tasks of one event loop."""

    def __init__(self, transport: AsyncTransport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock

    async def run(self, steps: Steps[Result]) -> Result:
        try:
            step = next(steps)
            while True:
                step = steps.send(await self._do(step))
        except StopIteration as stop:
            result: Result = stop.value
            return result

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def _do(self, step: Send | Pause) -> Outcome | None:
        if isinstance(step, Pause):
            await self._clock.asleep(step.seconds)
            return None
        return await (self._send(step) if step.hedge is None else self._race(step, step.hedge))

    async def _send(self, step: Send) -> Outcome:
        try:
            return await self._transport.asend(step.request, timeout_seconds=step.timeout_seconds)
        except PenstockError as error:
            return error

    async def _race(self, step: Send, hedge: Hedge) -> Outcome:
        """Whatever ends the race, be it that the call is cancelled, no request of it stays behind."""
        racing = [asyncio.create_task(self._send(step))]
        try:
            done, _ = await asyncio.wait(racing, timeout=hedge.after_seconds)
            other = None if done else hedge.again()
            if other is None:
                return await racing[0]
            racing.append(asyncio.create_task(self._send(other)))
            for next_done in asyncio.as_completed(racing):
                outcome = await next_done
                if hedge.is_good(outcome):
                    break
            return outcome
        finally:
            for loser in racing:
                loser.cancel()
