from loadtests.bench.loadgen import Agreement, Cost, Overhead, agreement_table, cost_table, overhead_table


def test_lateness_is_held_against_its_bound() -> None:
    table = overhead_table([Overhead(0.01, 0.9, 4.0, 0.1, 0.3), Overhead(0.01, 1.0, 4.0, 0.1, 0.3)]).splitlines()
    assert table[2] == "| 1 | 0.010 | 0.900 | 4.000 | 0.100 | 0.300 | yes |"
    assert table[3].endswith("| no |")


def test_percentiles_are_held_against_wrks() -> None:
    table = agreement_table([Agreement(20.0, 40.0, 20.4, 38.1), Agreement(20.0, 40.0, 20.0, 42.1)]).splitlines()
    assert table[2] == "| 1 | 20.00 | 40.00 | 20.40 | 38.10 | +2.0 % | -4.7 % | yes |"
    assert table[3].endswith("| +0.0 % | +5.2 % | no |")


def test_what_a_request_costs_is_told() -> None:
    assert cost_table([Cost(11.52, 205.2)]).splitlines()[2] == "| 1 | 11.5 | 205 |"
