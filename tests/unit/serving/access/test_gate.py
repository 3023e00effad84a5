"""Who is let in: the first credentials that know the kind decide, and what holds is known without asking."""

import pytest

from serving.access.caller import Presented, Verb
from serving.access.gate import Gate, check
from serving.access.presented import NOTHING
from serving.errors import Forbidden, Unauthenticated
from tests.unit.serving.access.callers import Keys, caller

KEY = Presented(api_key=b"secret-of-app")


def test_the_first_that_knows_the_kind_admits() -> None:
    ours = Keys({b"secret-of-app": caller("app")})
    admitted = Gate([_Tokens(), ours]).admit(KEY, 5.0)
    assert (admitted.caller.name, admitted.source) == ("app", ours)


@pytest.mark.parametrize("presented", [NOTHING, KEY, Presented(token=b"secret.of.app")])
def test_nobody_else_is_let_in_and_no_secret_is_repeated(presented: Presented) -> None:
    with pytest.raises(Unauthenticated) as raised:
        Gate([Keys({b"another": caller()})]).admit(presented, 5.0)
    assert "secret" not in str(raised.value)


def test_a_caller_is_admitted_until_its_time_is_up() -> None:
    gate = Gate([Keys({b"secret-of-app": caller(expires_at_seconds=10.0)})])
    admitted = gate.admit(KEY, 9.9)
    assert admitted.holds(9.9)
    assert not admitted.holds(10.0)
    with pytest.raises(Unauthenticated):
        gate.admit(KEY, 10.0)


def test_a_change_ends_what_was_admitted() -> None:
    keys = Keys({b"secret-of-app": caller()})
    admitted = Gate([keys]).admit(KEY, 0.0)
    keys.change(b"another", caller("other"))
    assert not admitted.holds(0.0)


@pytest.mark.parametrize(
    ("verb", "model", "message"),
    [
        (Verb.READ, "digits", "'app' may not read what is served here: its credential is for predict, not read"),
        (Verb.PREDICT, "wine", "'app' may not ask for predictions of model 'wine': its credential is for others"),
        (Verb.METRICS, None, "'app' may not read the metrics: its credential is for predict, not metrics"),
    ],
)
def test_what_is_forbidden_is_said_in_the_callers_own_words(verb: Verb, model: str | None, message: str) -> None:
    app = caller("app", Verb.PREDICT, models=frozenset({"digits"}))
    with pytest.raises(Forbidden) as raised:
        check(app, verb, model)
    assert str(raised.value) == message
    check(app, Verb.PREDICT, "digits")


class _Tokens(Keys):
    """Knows no API keys."""

    def caller_of(self, presented: Presented, now_seconds: float) -> None:
        del presented, now_seconds
