"""Stories of a gateway in series that promtool plays, one value a minute, and which alert fires when in them.

`a+bxn` is promtool's notation: a, then n times b more than the one before.
"""

from collections.abc import Mapping
from dataclasses import dataclass

TARGET = 'job="penstock",instance="a:8080"'
MODEL = f'{TARGET},model_name="digits"'
VERSION = f'{MODEL},model_version="3"'
HOURS = 60
LONG = 4 * HOURS


@dataclass(frozen=True, slots=True)
class Scenario:
    """`story` says what happens; the alert fires at the minutes `fires` and at none of `silent`. A story of a near miss
    has no `fires`.
    """

    alert: str
    story: str
    series: Mapping[str, str]
    fires: tuple[int, ...] = ()
    silent: tuple[int, ...] = ()


def steady(value: float, minutes: int = LONG) -> str:
    return f"{value}+0x{minutes}"


def rising(each: float, minutes: int = LONG) -> str:
    return f"0+{each}x{minutes}"


def requests(failed: str, answered: str = rising(6000), code: str = "503") -> dict[str, str]:
    labels = f'{VERSION},signature="serving_default",protocol="rest_v1"'
    return {
        f'penstock_requests_total{{{labels},code="200"}}': answered,
        f'penstock_requests_total{{{labels},code="{code}"}}': failed,
    }


def latencies(slow: int) -> dict[str, str]:
    """100 requests a minute within 10 ms, `slow` of them over it and under 25."""
    bucket = f'penstock_request_duration_seconds_bucket{{{VERSION},signature="s",protocol="rest_v1",le='
    counts = {"0.005": 50, "0.01": 100 - slow, "0.025": 100, "+Inf": 100}
    objective = {f"penstock_model_objective_seconds{{{MODEL}}}": steady(0.01)}
    return {f'{bucket}"{bound}"}}': rising(count) for bound, count in counts.items()} | objective


def aged(created_seconds: float, bound_seconds: float) -> dict[str, str]:
    """The clock starts at 0. Version 3 answers; version 4, made later, has no traffic."""
    created, share = "penstock_model_created_timestamp_seconds", "penstock_model_traffic_share"
    newer = VERSION.replace('"3"', '"4"')
    return {
        f"{created}{{{VERSION}}}": steady(created_seconds),
        f"{created}{{{newer}}}": steady(created_seconds + 3600),
        f"{share}{{{VERSION}}}": steady(1),
        f"{share}{{{newer}}}": steady(0),
        f"penstock_model_freshness_bound_seconds{{{MODEL}}}": steady(bound_seconds),
    }


UP = f"up{{{TARGET}}}"
BACKEND = f'penstock_backend_up{{{TARGET},backend="embedded"}}'
REPLICA = f'penstock_backend_replica_up{{{TARGET},backend="tfserving",address="gpu-0:8500"}}'
CREDENTIALS = f'penstock_credentials_healthy{{{TARGET},source="keys"}}'
QUEUE = f"penstock_queue_rows{{{TARGET}}}"
LIVE = f"penstock_model_live_versions{{{MODEL}}}"
REJECTED = f'penstock_rejected_total{{{MODEL},reason="Overloaded"}}'
STARTS = f'penstock_worker_starts_total{{{TARGET},worker="1"}}'
ROLLED_BACK = f"penstock_canary_rolled_back_total{{{MODEL}}}"
INFO = f'penstock_model_info{{{VERSION},labels="",awaited_by="stable"}}'
SETTLED = f'penstock_model_info{{{VERSION},labels="stable",awaited_by=""}}'
NON_FINITE = f"penstock_non_finite_outputs_total{{{VERSION}}}"


def verdict(name: str) -> str:
    return f'penstock_canary_verdict{{{VERSION},verdict="{name}"}}'


FAST, SLOW = "PenstockErrorBudgetBurnsFast", "PenstockErrorBudgetBurnsSlowly"
SCENARIOS = (
    Scenario(FAST, "one request in fifty fails", requests(rising(120)), fires=(10, 200), silent=(1, 2)),
    Scenario(FAST, "one in fifty over gRPC", requests(rising(120), code="UNAVAILABLE"), fires=(10,)),
    Scenario(FAST, "eight in a thousand, for hours", requests(rising(48)), fires=(LONG - 1,)),
    Scenario(FAST, "a minute of failures, long ago", requests("0+0x60 600+0x180"), silent=(90, 200)),
    Scenario(FAST, "one in a thousand fails", requests(rising(5)), silent=(60, 200)),
    Scenario(FAST, "five in a thousand fail", requests(rising(30)), silent=(60, 200)),
    Scenario(FAST, "callers send wrong requests", requests(rising(600), code="400"), silent=(60, 200)),
    Scenario(FAST, "it failed and does no more", requests("0+120x60 7200+0x180"), fires=(30,), silent=(120,)),
    Scenario(SLOW, "four in a thousand fail", requests(rising(24)), fires=(90, 200), silent=(30,)),
    Scenario(SLOW, "two in a thousand fail", requests(rising(12)), fires=(90, 200), silent=(30,)),
    Scenario(SLOW, "fewer than one in a thousand", requests(rising(4)), silent=(90, 200)),
    Scenario("PenstockLatencyOverObjective", "two in a hundred are late", latencies(2), fires=(30,), silent=(5,)),
    Scenario("PenstockLatencyOverObjective", "none is late", latencies(0), silent=(30, 200)),
    Scenario("PenstockQueueGrowing", "ten more rows each minute", {QUEUE: "1+10x60"}, fires=(16, 20), silent=(9,)),
    Scenario("PenstockQueueGrowing", "full, and no fuller", {QUEUE: "0x10 8192+0x60"}, silent=(40, 60)),
    Scenario(
        "PenstockQueueGrowing",
        "bursts that are worked off",
        {QUEUE: "0 400 0 500 0 600 0 700 0 800 " * 6},
        silent=(30, 50),
    ),
    Scenario(
        "PenstockOverloaded",
        "one in twenty finds no room",
        {REJECTED: rising(300), **requests(rising(300))},
        fires=(20, 200),
        silent=(4,),
    ),
    Scenario("PenstockOverloaded", "one in a thousand", {REJECTED: rising(6), **requests(rising(6))}, silent=(20, 200)),
    Scenario("PenstockGatewayDown", "it does not answer", {UP: "1x10 0x50"}, fires=(13, 50), silent=(5, 11)),
    Scenario("PenstockGatewayDown", "there is none", {}, fires=(5,), silent=(1,)),
    Scenario("PenstockGatewayDown", "one scrape is lost", {UP: "1x10 0 1x50"}, silent=(11, 12, 30)),
    Scenario("PenstockBackendDown", "nothing is live", {BACKEND: "1x10 0x50"}, fires=(13, 50), silent=(5, 11)),
    Scenario("PenstockBackendDown", "a minute of loading", {BACKEND: "0x1 1x50"}, silent=(1, 2, 5)),
    Scenario("PenstockModelServerDown", "it is gone", {REPLICA: "1x10 0x50"}, fires=(13, 50), silent=(5, 11)),
    Scenario(
        "PenstockModelServerDown",
        "another gateway reaches it",
        {REPLICA: steady(0), REPLICA.replace("a:8080", "b:8080"): steady(1)},
        silent=(13, 50),
    ),
    Scenario(
        "PenstockCredentialsUnreadable", "it is broken", {CREDENTIALS: "1x10 0x50"}, fires=(16, 50), silent=(5, 14)
    ),
    Scenario("PenstockCredentialsUnreadable", "for three minutes", {CREDENTIALS: "1x10 0x3 1x50"}, silent=(12, 16, 50)),
    Scenario(
        "PenstockWorkerRestarts", "it dies three times", {STARTS: "1x20 2 3 4x60"}, fires=(24, 30), silent=(10, 50)
    ),
    Scenario("PenstockWorkerRestarts", "it dies once", {STARTS: "1x20 2x60"}, silent=(22, 30)),
    Scenario("PenstockWorkerRestarts", "the gateway is started anew", {STARTS: "2x20 1x60"}, silent=(22, 30)),
    Scenario("PenstockNoLiveVersion", "all versions fail", {LIVE: "1x10 0x50"}, fires=(16, 50), silent=(5, 14)),
    Scenario("PenstockNoLiveVersion", "loading takes three minutes", {LIVE: "0x3 1x50"}, silent=(3, 6, 20)),
    Scenario("PenstockLabelWaits", "the version never comes", {INFO: steady(1)}, fires=(11, 60), silent=(9,)),
    Scenario("PenstockLabelWaits", "the version is there", {SETTLED: steady(1)}, silent=(11, 60)),
    Scenario("PenstockCanaryWorse", "it is rolled back", {ROLLED_BACK: "0x20 1x60"}, fires=(22, 30), silent=(10, 50)),
    Scenario(
        "PenstockCanaryWorse", "nothing could be written", {verdict("worse"): "0x5 1x60"}, fires=(6, 60), silent=(4,)
    ),
    Scenario(
        "PenstockCanaryWorse",
        "it is fine",
        {verdict("fine"): steady(1), verdict("worse"): steady(0), ROLLED_BACK: steady(0)},
        silent=(6, 60),
    ),
    Scenario("PenstockVersionTooOld", "an hour is its bound", aged(0, 3600), fires=(76, 120), silent=(30, 70)),
    Scenario("PenstockVersionTooOld", "a day is its bound", aged(0, 86400), silent=(30, 200)),
    Scenario("PenstockNonFiniteAnswers", "a NaN every minute", {NON_FINITE: rising(1)}, fires=(12, 60), silent=(5,)),
    Scenario("PenstockNonFiniteAnswers", "one NaN, once", {NON_FINITE: "0x20 1x60"}, silent=(22, 31, 50)),
)
"""Every alert has a story in which it fires and one that comes near and does not."""

CALM: Mapping[str, str] = {
    UP: steady(1),
    BACKEND: steady(1),
    REPLICA: steady(1),
    CREDENTIALS: steady(1),
    QUEUE: "3 0 5 1 " * (LONG // 4),
    LIVE: steady(1),
    REJECTED: steady(0),
    STARTS: steady(1),
    ROLLED_BACK: steady(0),
    SETTLED: steady(1),
    NON_FINITE: steady(0),
    verdict("worse"): steady(0),
    verdict("fine"): steady(1),
    **requests(steady(0)),
    **latencies(0),
    **aged(0, 86400),
}
"""A gateway on a good day."""
