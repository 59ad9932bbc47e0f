"""How many updates stand for a whole training where losses are due at every n-th one."""

from typing import Any

from alloygan import Zoo


def test_a_warm_up_meets_every_set_of_due_losses(module: Any, zoo: Zoo) -> None:
    periods = module("periods")
    spec = zoo.read_spec("zoo:demo", ["losses.contrastive.every=4", "training.critic_updates=2"])
    assert periods.period(spec) == 4
    assert periods.whole_periods(spec, 5) == 8
    assert "8 updates (5 asked for" in periods.of_updates(spec, 5)
    # It is due in one critic update and the generator's in updates 0, 4, …; in the one alone in 2, 6, …; else nowhere.
    assert periods.warm_up(spec, 1) == 3
    graph = zoo.read_spec(
        "zoo:demo", ["losses.contrastive.every=4", "training.critic_updates=2", "training.cuda_graph=true"]
    )
    assert periods.warm_up(graph, 1) == 15, "the fourth update of the rarer ones is number 14"
    assert periods.warm_up(graph, 20) == 20


def test_without_every_nothing_is_rounded(module: Any, zoo: Zoo) -> None:
    periods = module("periods")
    spec = zoo.read_spec("zoo:demo", ["training.cuda_graph=true"])
    assert periods.of_updates(spec, 7) == "7 updates"
    assert periods.warm_up(spec, 1) == 4
