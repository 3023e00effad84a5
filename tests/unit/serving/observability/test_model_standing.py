"""What is told of each model: live versions, shares, ages, bounds and the canary."""

from datetime import UTC, datetime

from serving.observability.metrics import Gauges
from serving.observability.model_standing import ModelStanding, OnTrial, standing_gauges
from tests.unit.serving.observability.exposition import Scrape

MADE = datetime(2030, 1, 2, tzinfo=UTC)


def scrape(*standings: ModelStanding) -> Scrape:
    return Scrape(Gauges(lambda: standing_gauges(standings)))


def test_live_versions_are_counted_also_where_there_is_none() -> None:
    told = scrape(ModelStanding("digits", {1: MADE, 2: None}, {2: 1.0}), ModelStanding("empty", {}, {}))
    assert told.value("penstock_model_live_versions", model_name="digits") == 2
    assert told.value("penstock_model_live_versions", model_name="empty") == 0


def test_every_live_version_has_its_share_and_those_with_a_manifest_their_age() -> None:
    told = scrape(ModelStanding("digits", {1: MADE, 2: None}, {2: 1.0}))
    shares = [told.value("penstock_model_traffic_share", model_version=version) for version in "12"]
    assert shares == [0, 1]
    made = [s for s in told.samples if s.name == "penstock_model_created_timestamp_seconds"]
    assert [(s.labels["model_version"], s.value) for s in made] == [("1", MADE.timestamp())]


def test_bounds_are_told_where_they_are_set() -> None:
    told = scrape(ModelStanding("a", {}, {}, 0.02, 3600.0), ModelStanding("b", {}, {}))
    bounds = ("penstock_model_objective_seconds", "penstock_model_freshness_bound_seconds")
    assert {(s.name, s.labels["model_name"], s.value) for s in told.samples if s.name in bounds} == {
        (bounds[0], "a", 0.02),
        (bounds[1], "a", 3600.0),
    }


def test_of_a_canary_on_trial_one_verdict_holds() -> None:
    told = scrape(ModelStanding("digits", {}, {}, on_trial=OnTrial(4, "worse")), ModelStanding("calm", {}, {}))
    verdicts = [s for s in told.samples if s.name == "penstock_canary_verdict"]
    assert {s.labels["verdict"]: s.value for s in verdicts} == {"watching": 0, "fine": 0, "worse": 1}
    assert {(s.labels["model_name"], s.labels["model_version"]) for s in verdicts} == {("digits", "4")}
