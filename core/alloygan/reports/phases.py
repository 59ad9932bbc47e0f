"""What the page says of the phases, beside the grey level."""

from typing import Any

from alloygan.reports.wording import known, listed, spoken


def particle_words(evaluation: dict[str, Any]) -> str:
    """Which particles are too small to count, and for which descriptors; empty where none counts particles."""
    names: dict[float, list[str]] = {}
    for descriptor in evaluation["descriptors"]:
        least = known(descriptor["spec"].get("min_area"))
        if least:
            names.setdefault(least, []).append(spoken(descriptor["name"]))
    return " ".join(
        f"Particles of less than {least:g} px² are taken for noise and left out of {listed(some)}."
        for least, some in names.items()
    )
