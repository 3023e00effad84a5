"""What Ctrl-C does while a fit runs."""

import signal
import threading

import pytest

from training.interruption import Interruption, deferred_interrupt


def test_with_nothing_to_keep_the_first_ends_everything() -> None:
    with deferred_interrupt() as interruption, pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert not interruption.asked


def test_with_an_epoch_to_keep_the_first_is_noted_and_the_second_ends_everything() -> None:
    with deferred_interrupt() as interruption:
        interruption.worth_keeping = True
        signal.raise_signal(signal.SIGINT)
        assert interruption.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_afterwards_an_interrupt_is_what_it_was() -> None:
    with deferred_interrupt() as interruption:
        interruption.worth_keeping = True
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_handler_of_somebody_else_stays() -> None:
    heard = []
    before = signal.signal(signal.SIGINT, lambda *_: heard.append("theirs"))
    try:
        with deferred_interrupt() as interruption:
            interruption.worth_keeping = True
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == ["theirs"]
    assert not interruption.asked


def test_thread_leaves_signals_alone() -> None:
    given: list[Interruption] = []

    def fit() -> None:
        with deferred_interrupt() as interruption:
            given.append(interruption)

    thread = threading.Thread(target=fit)
    thread.start()
    thread.join()
    assert given == [Interruption()]
