"""Which part of a micrograph is for evaluation."""

from typing import Literal

from alloygan.data.region import Region

EvaluationPart = Region | Literal["all", "none"] | None
"""A region in px, where evaluation patches lie and no training patch does; `all`: the whole micrograph (or its roi), so
no training patch comes from it; `none`: nothing of it, so no evaluation patch does; None: not said, and a strip at one
end is chosen by `evaluation_fraction`.
"""


def evaluation_text(part: EvaluationPart) -> str:
    """As a manifest has it: `x y width height`, `all`, `none`, or nothing."""
    if isinstance(part, Region):
        return part.text
    return part or ""
