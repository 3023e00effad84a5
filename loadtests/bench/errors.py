"""What can go wrong with a benchmark itself: BenchError > WrongAnswer. Everything else is a fault of ours."""


class BenchError(Exception):
    """The benchmark cannot be run as asked; the message says what to do."""


class WrongAnswer(BenchError):
    """A server answered something else than the reference, so that its speed means nothing."""
