"""Where signals are handled in a process that computes with TensorFlow.

The matrix products of oneDNN, which TensorFlow brings, point the stack register into a buffer on the heap while they
run (seen with valgrind: "client switching stacks" inside a MatMul). The kernel writes a signal's frame, some kilobytes
of registers, below wherever that register points: a SIGTERM in the wrong moment overwrites the heap, and the process
aborts with "corrupted size vs. prev_size" or worse. Python installs its handlers with SA_ONSTACK (since 3.10), so a
thread that has a signal stack of its own (sigaltstack(2)) is safe; so is one that no signal is delivered to.
"""

import faulthandler
import signal

STDERR = 2


def give_signals_a_stack() -> None:
    """To the calling thread, the one that signals are meant for. The fault handler brings the stack, and a traceback on
    standard error should the process ever die of a fault.
    """
    if not faulthandler.is_enabled():
        faulthandler.enable(STDERR)


def leave_signals_to_others() -> None:
    """For every thread that computes beside that one: it is passed over when a signal is delivered."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
