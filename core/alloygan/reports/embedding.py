"""The report's table on the critic's embedding."""

from collections.abc import Mapping
from typing import Any

from alloygan.reports.score_tables import Cell, Row
from alloygan.reports.wording import number

SCORES = ("mean", "pearson", "spearman", "alpha", "residual", "triplets")
COLUMNS = ("mean distance", "Pearson", "Spearman", "α", "residual", "triplets in order")

_PAIRS = {"all": "all pairs", "held_out": "pairs with a held-out condition"}


def embedding_rows(evaluation: Mapping[str, Any]) -> list[Row]:
    """A row for each way of judging and distance; none where nothing was measured."""
    found = evaluation.get("embedding")
    if not isinstance(found, dict):
        return []
    return [
        Row(
            f"{row['judged_under']}, {row['distance']}, {_PAIRS.get(row['pairs'], row['pairs'])}",
            [Cell(number(row.get(key))) for key in SCORES],
        )
        for row in found.get("rows") or []
    ]
