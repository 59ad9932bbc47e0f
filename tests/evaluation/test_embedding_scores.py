"""Distances of embeddings against distances of conditions, for critics whose embeddings are known."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from alloygan import Condition, Critic, Critique, Patches
from alloygan.data.condition_space import ConditionSpace
from alloygan.evaluation.embedding_scores import ONE, OWN, embedding_scores
from alloygan.evaluation.score_list import listed_scores
from alloygan.specs.condition_columns import ColumnSpec

LEVELS = (0, 51, 102, 153, 204, 255)
"""Grey levels, which are also the conditions: scaled values 0, 0.2 … 1."""


def space(held_out: frozenset[int] = frozenset()) -> ConditionSpace:
    made = ConditionSpace.from_rows([ColumnSpec(name="grey")], [{"grey": level} for level in LEVELS])
    return replace(made, held_out=held_out)


def patches(each: int = 10) -> Patches:
    labels = torch.arange(len(LEVELS)).repeat_interleave(each)
    images = torch.tensor(LEVELS, dtype=torch.uint8)[labels][:, None, None, None].expand(-1, 1, 8, 8)
    table = space()
    return Patches(images.contiguous(), table.condition([table.table[i] for i in labels]), torch.arange(len(labels)))


class Known(Critic):
    """Embeds by a rule."""

    def __init__(self, rule: str) -> None:
        super().__init__()
        self.rule = rule
        self.scale = nn.Parameter(torch.tensor(3.0))

    def forward(self, images: Tensor, condition: Condition) -> Critique:
        grey = (images.mean(dim=(1, 2, 3)) + 1) / 2
        angle = {"image": grey, "condition": condition.values[:, 0], "constant": grey * 0}.get(self.rule, grey)
        if self.rule == "none":
            return Critique(grey)
        if self.rule == "line":
            return Critique(grey, self.scale * torch.stack([grey, grey * 0], dim=1))
        if self.rule == "folded":
            angle = (grey - 0.5).abs()
        circle = torch.stack([angle.cos(), angle.sin()], dim=1)
        return Critique(grey, self.scale * circle, torch.ones(len(grey), 2) * condition.values)


def rows(rule: str, held_out: frozenset[int] = frozenset()) -> dict[tuple[str, str, str], dict[str, Any]]:
    found = embedding_scores(Known(rule), patches(), space(held_out))
    assert found is not None
    assert found["images"] == 60
    return {(row["judged_under"], row["distance"], row["pairs"]): row for row in found["rows"]}


def test_distances_in_proportion_fit_exactly() -> None:
    row = rows("line")[ONE, "l2", "all"]
    assert row["pearson"] == pytest.approx(1)
    assert row["spearman"] == pytest.approx(1)
    assert row["alpha"] == pytest.approx(3, rel=1e-4)
    assert row["residual"] == pytest.approx(0, abs=1e-4)
    assert row["triplets"] == 1


def test_the_angle_is_in_order_though_not_in_proportion() -> None:
    found = rows("image")
    row = found[ONE, "cosine", "all"]
    # Distances that are equal but for rounding are ranked by it.
    assert row["spearman"] == pytest.approx(1, abs=0.01)
    assert row["triplets"] == 1
    assert 0.9 < row["pearson"] < 1
    assert row["residual"] > 0.1
    assert found[OWN, "cosine", "all"] == {**row, "judged_under": OWN}


def test_a_critic_that_reads_the_condition_off_is_found_out() -> None:
    found = rows("condition")
    assert found[OWN, "cosine", "all"]["triplets"] == 1
    blind = found[ONE, "cosine", "all"]
    assert blind["mean"] == pytest.approx(0, abs=1e-12)
    assert blind["pearson"] is blind["spearman"] is blind["triplets"] is blind["residual"] is None


def test_a_collapsed_embedding_has_no_correlation() -> None:
    row = rows("constant")[ONE, "l2", "all"]
    assert row["mean"] == pytest.approx(0, abs=1e-6)
    assert row["pearson"] is None


def test_far_conditions_that_look_alike_spoil_the_order() -> None:
    assert rows("folded")[ONE, "cosine", "all"]["triplets"] < 0.75


def test_pairs_with_held_out_conditions_are_apart() -> None:
    found = rows("folded", held_out=frozenset({0}))
    assert found[ONE, "cosine", "held_out"]["spearman"] < found[ONE, "cosine", "all"]["spearman"] + 1
    assert found[ONE, "cosine", "held_out"]["triplets"] != found[ONE, "cosine", "all"]["triplets"]
    assert (ONE, "cosine", "held_out") not in rows("folded")


def test_what_cannot_be_measured_is_none() -> None:
    assert embedding_scores(Known("none"), patches(), space()) is None
    without = ConditionSpace.from_rows([ColumnSpec(name="grey")], [{"grey": 0}, {"grey": 255}], tabulate=False)
    assert embedding_scores(Known("image"), patches(), without) is None


def test_the_list_has_what_images_alone_tell() -> None:
    found = embedding_scores(Known("image"), patches(), space(frozenset({2})))
    assert found is not None
    assert found["condition_distance"] == pytest.approx(0.395, abs=0.01)
    assert found["embedded_condition_distance"] is not None
    listed = {one.name: one for one in listed_scores({"embedding": found})}
    assert listed["embedding.spearman"].higher_is_better
    assert listed["embedding_l2.residual"].higher_is_better is False
    assert not listed["embedding.residual"].higher_is_better
    assert listed["held_out.embedding.triplets"].value == 1
