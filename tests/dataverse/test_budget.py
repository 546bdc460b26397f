from tenants.dataverse.budget import Budget


def test_a_budget_runs_out() -> None:
    assert 1.9 < Budget(2).left() <= 2
    assert Budget(0).expired
    assert Budget(-5).left() == 0.0


def test_a_smaller_budget_ends_no_later_than_the_whole() -> None:
    whole = Budget(1)

    assert whole.at_most(5).left() <= 1
    assert whole.at_most(0.2).left() <= 0.2
    assert not whole.expired
