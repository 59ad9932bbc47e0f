"""Spec of the critic on a timm network. Imports neither torch nor timm."""

import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator

from alloygan import ConditionerSpec, CriticSpec
from alloygan.specs.from_registry import From
from alloygan.specs.spec import SpecPath

if TYPE_CHECKING:
    from alloygan import Critic, Site


class TimmBackbone(CriticSpec):
    """Critic on an image network of timm, by name, with the condition taken by projection (Miyato and Koyama 2018).

    Weights are random, or come from a local safetensors file; nothing is ever fetched.
    """

    kind: Literal["timm_backbone"] = "timm_backbone"
    model: str = Field(
        "resnet10t",
        description="Name of a timm model, as timm.list_models() has it. The default takes any size; networks without "
        "batch norm, such as test_convnext from 32 px on, made better critics (see the README).",
    )
    weights: SpecPath | None = Field(
        None, description="A safetensors file with weights of that model; by default random ones."
    )
    conditioner: Annotated[ConditionerSpec, From("conditioner")] = Field(
        "one_hot",  # type: ignore[assignment]
        description="How the condition becomes V y, and e(y).",
    )
    embedding: int = Field(64, ge=1, description="Width E of the image embedding l(x) and condition embedding e(y).")
    projection_hidden: int = Field(256, ge=1, description="Width of the hidden layer of the head that makes l(x).")

    @field_validator("model")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if not re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)?", name):
            raise ValueError(
                "a plain timm model name is wanted; names that would fetch are refused. Give a name such as "
                "convnext_atto here, and weights that you have as a safetensors file in `weights`"
            )
        return name

    @property
    def gives(self) -> frozenset[str]:
        """Both embeddings."""
        return frozenset({"image_embedding", "condition_embedding"})

    def size_problem(self, shape: tuple[int, int, int]) -> str | None:
        """The networks halve an image five times or less."""
        if min(shape[1:]) < 16:
            return f"images of {shape[1]} × {shape[2]} px are too small; the shorter side needs at least 16 px"
        return None

    def build(self, site: "Site") -> "Critic":
        """Build the network and its heads."""
        from alloygan_plugins.timm_backbones.critic import build

        return build(self, site)
