"""A letter for each cell, by which tables, plots and curves of a page call it: names may be long."""

from collections.abc import Mapping

from alloygan.sweeps.grid import Ablation


def cell_letters(ablation: Ablation) -> Mapping[str, str]:
    """A to Z, then AA, AB, … by the name of the cell."""
    return {cell.name: _letter(number) for number, cell in enumerate(ablation.cells)}


def _letter(number: int) -> str:
    rest, last = divmod(number, 26)
    return (_letter(rest - 1) if rest else "") + chr(ord("A") + last)
