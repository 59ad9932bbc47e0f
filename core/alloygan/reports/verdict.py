"""One sentence that says how close the generated images came, from the numbers alone."""

from typing import Any

from alloygan.reports.parity import has_values
from alloygan.reports.wording import ROUNDING, known, listed, number, percent, spoken


def verdict(evaluation: dict[str, Any]) -> str:
    """How many descriptors are at their floor, which is farthest off it, and which could not be compared."""
    conditions = [one for one in evaluation["conditions"] if not one["held_out"]]
    compared: dict[str, tuple[float, float]] = {}
    absent: list[str] = []
    for descriptor in evaluation["descriptors"]:
        name = descriptor["name"]
        if descriptor.get("ratio_scale") is False:
            continue  # no deviation to speak of; its distance is in the tables
        if not has_values(evaluation, name):
            continue
        overall = evaluation["overall"][name]
        deviation, floor = known(overall["mean_deviation"]), known(overall["mean_floor_deviation"])
        # A mean over the conditions that happen to have a value would flatter a generator that fails in others.
        missing = [
            one
            for one in conditions
            if known(one["scores"][name]["real"]) is not None and known(one["scores"][name]["generated"]) is None
        ]
        if deviation is None or floor is None or missing:
            absent.append(spoken(name))
        else:
            compared[name] = (deviation, floor)
    if not compared:
        return "No descriptor could be compared with its floor in every condition; the tables below say why."
    within = [name for name, (deviation, floor) in compared.items() if deviation <= floor]
    worst = max(compared, key=lambda name: _times(*compared[name]))
    deviation, floor = compared[worst]
    where = f"On average over {len(conditions)} conditions" if len(conditions) > 1 else "In the one condition"
    if any(one["label"] < 0 for one in conditions):
        where = f"On average over {len(conditions)} bins of conditions"
        if len(conditions) == 1:
            where = "Over all conditions taken together"
    if len(compared) == 1:
        who = "the one descriptor that can be compared is " + ("as" if within else "not as")
    elif len(within) == len(compared):
        who = f"all {len(compared)} descriptors are as"
    else:
        who = f"{len(within) or 'none'} of {len(compared)} descriptors {'are' if len(within) > 1 else 'is'} as"
    sentence = (
        f"{where}, {who} close to the real images as real images are to each other; "
        f"{'nearest to that limit' if len(within) == len(compared) else 'farthest off'} is {spoken(worst)}, which "
        f"deviates by {percent(deviation)} against a floor of {percent(floor)}"
    )
    if floor > ROUNDING and deviation > floor:
        sentence += f" ({number(deviation / floor)} times as much)"
    if absent:
        sentence += f". Not comparable in every condition: {listed(absent)}"
    return sentence + "."


def _times(deviation: float, floor: float) -> float:
    if floor > ROUNDING:
        return deviation / floor
    return float("inf") if deviation > 0 else 0.0
