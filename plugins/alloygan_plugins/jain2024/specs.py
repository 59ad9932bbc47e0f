"""Specs of the paper's parts; every default is the paper's, or the decision that README.md gives reasons for."""

import math
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from alloygan import ConditionerSpec, CriticSpec, GeneratorSpec, LossSpec
from alloygan.specs.from_registry import From

if TYPE_CHECKING:
    from alloygan import Conditioner, Critic, Generator, Loss, Site

Slope = Annotated[float, Field(ge=0, lt=1, description="Slope of the leaky ReLU for negative values (Table 3).")]
Channels = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]


def stages_of(shape: tuple[int, int, int]) -> int:
    """How many halvings lead from an image to a map of about 4 px on its shorter side: 5 at 128 × 128."""
    return max(0, int(math.log2(min(shape[1:]) / 4)))


def _size_problem(shape: tuple[int, int, int], stages: int) -> str | None:
    factor = 2**stages
    if stages < 2:
        return f"images of {shape[1]} × {shape[2]} px are too small; the shorter side needs at least 16 px"
    if shape[1] % factor or shape[2] % factor:
        return (
            f"images of {shape[1]} × {shape[2]} px: both sides must be multiples of {factor} ({stages} layers of "
            "stride 2); choose another data.patch, or another number of channels"
        )
    return None


class OneHot(ConditionerSpec):
    """One-hot vector of the condition's id, linearly projected (appendix A.2, Tables 1 and 2)."""

    kind: Literal["one_hot"] = "one_hot"
    init_std: float | None = Field(
        None,
        gt=0,
        description="Standard deviation of the initial weights; by default torch's of a linear layer.",
    )

    @property
    def needs(self) -> frozenset[str]:
        """An id in the table of conditions."""
        return frozenset({"label"})

    def build(self, site: "Site", width: int) -> "Conditioner":
        """Build the projection from `condition_count` ids."""
        from alloygan_plugins.jain2024.conditioners import OneHotProjection

        return OneHotProjection(site.condition_count, width, self.init_std)


class ContinuousMlp(ConditionerSpec):
    """Perceptron on the scaled condition values: e(y) for continuous conditions (section 4)."""

    kind: Literal["continuous_mlp"] = "continuous_mlp"
    hidden: int = Field(128, ge=1, description="Width of each hidden layer.")
    layers: int = Field(2, ge=0, description="Number of hidden layers.")
    leaky_slope: Slope = 0.2

    def build(self, site: "Site", width: int) -> "Conditioner":
        """Build the perceptron on `condition_width` values."""
        from alloygan_plugins.jain2024.conditioners import ConditionPerceptron

        return ConditionPerceptron(site.condition_width, self.hidden, self.layers, width, self.leaky_slope)


class DcganAttention(GeneratorSpec):
    """The paper's generator: noise times condition, transposed convolutions, self-attention (Table 1)."""

    kind: Literal["dcgan_attention"] = "dcgan_attention"
    conditioner: Annotated[ConditionerSpec, From("conditioner")] = Field(
        "one_hot",  # type: ignore[assignment]
        description="How the condition becomes an embedding.",
    )
    noise: int = Field(128, ge=1, description="Width of the noise vector z.")
    width: int = Field(64, ge=1, description="Channels before the last layer; the others are multiples of it.")
    channels: Channels | None = Field(
        None,
        description="Input channels of every transposed convolution, first to last, in place of the paper's "
        "proportions (width × 8, 4, 2, 1, 1 at 128 × 128).",
    )
    attention: bool = Field(True, description="Self-attention block, as the paper has it.")
    attention_after: int | None = Field(
        None,
        ge=1,
        description="Number of the transposed convolution that the attention follows; by default the third from the "
        "end (the third of five at 128 × 128).",
    )
    injection: Literal["multiply", "concat", "film"] = Field(
        "multiply",
        description="How the embedding meets the noise: their product (the paper), both side by side, or noise × "
        "(1 + scale) + shift.",
    )
    embedding: int | None = Field(
        None, ge=1, description="Width of the embedding (concat only); by default that of the noise."
    )
    leaky_slope: Slope = 0.2
    init_std: float | None = Field(
        None,
        gt=0,
        description="Standard deviation of the convolutions' initial weights (DCGAN: 0.02); by default torch's own.",
    )
    output_norm: bool = Field(True, description="Batch norm on the output before tanh, as Table 1's last row prints.")

    @property
    def needs(self) -> frozenset[str]:
        """What its conditioner needs is asked of the conditioner itself."""
        return frozenset()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.embedding is not None and self.injection != "concat":
            raise ValueError("embedding: only injection: concat has a width of its own; the others follow the noise")
        return self

    def stages(self, shape: tuple[int, int, int]) -> int:
        """How many transposed convolutions."""
        return len(self.channels) if self.channels else stages_of(shape)

    def size_problem(self, shape: tuple[int, int, int]) -> str | None:
        """Sides must be multiples of 2^stages."""
        stages = self.stages(shape)
        if self.attention and self.attention_after is not None and self.attention_after >= stages:
            return f"attention_after: {self.attention_after}: there are {stages - 1} layers before the output"
        return _size_problem(shape, stages)

    def build(self, site: "Site") -> "Generator":
        """Build Table 1 for the site's image shape."""
        from alloygan_plugins.jain2024.generator import build

        return build(self, site)


class DcganContrastive(CriticSpec):
    """The paper's critic: strided convolutions, condition map, score and embeddings (Table 2)."""

    kind: Literal["dcgan_contrastive"] = "dcgan_contrastive"
    conditioner: Annotated[ConditionerSpec, From("conditioner")] = Field(
        "one_hot",  # type: ignore[assignment]
        description="How the condition becomes the map that is appended to the last but one layer (or whatever else "
        "condition asks for), and e(y).",
    )
    condition: Literal["map", "input", "projection", "none"] = Field(
        "map",
        description="How the score takes the condition. map: a map appended before the last convolution (Table 2); "
        "input: a map appended to the image as one more channel; projection: its inner product with the features "
        "before the score (Miyato and Koyama 2018, eq. 8); none: not at all, so that only a contrastive loss, through "
        "l(x) and e(y), carries the condition (Kang and Park 2020).",
    )
    norm: Literal["batch", "spectral", "none"] = Field(
        "batch",
        description="batch: batch norm after every convolution but the first (Table 2); spectral: spectral "
        "normalisation of every layer on the way to the score instead; none: neither.",
    )
    width: int = Field(64, ge=1, description="Channels of the first layer; the others are multiples of it.")
    channels: Channels | None = Field(
        None,
        description="Output channels of every convolution, first to last, in place of the paper's proportions "
        "(width × 1, 1, 2, 4, 2 at 128 × 128).",
    )
    embedding: int = Field(64, ge=1, description="Width E of the image embedding l(x) and condition embedding e(y).")
    projection_hidden: int | None = Field(
        None,
        ge=1,
        description="Width of the hidden projection layer; by default 16 × width (1,024 in Table 2).",
    )
    proxy: Literal["shared", "own"] | None = Field(
        None,
        description="e(y): the same vector as the appended condition map (shared, with condition: map only: the "
        "default where that map has E positions, as at 128 × 128), or from a conditioner of its own (own: the default "
        "elsewhere).",
    )
    leaky_slope: Slope = 0.2

    @model_validator(mode="after")
    def _a_map_to_share(self) -> Self:
        if self.proxy == "shared" and self.condition != "map":
            raise ValueError(f"proxy: shared: with condition: {self.condition} there is no map to share; use own")
        return self

    @property
    def gives(self) -> frozenset[str]:
        """Both embeddings."""
        return frozenset({"image_embedding", "condition_embedding"})

    def stages(self, shape: tuple[int, int, int]) -> int:
        """How many convolutions."""
        return len(self.channels) if self.channels else stages_of(shape)

    def positions(self, shape: tuple[int, int, int]) -> tuple[int, int]:
        """Height and width of the condition map, which is as large as the last but one feature map."""
        factor = 2 ** (self.stages(shape) - 1)
        return shape[1] // factor, shape[2] // factor

    def size_problem(self, shape: tuple[int, int, int]) -> str | None:
        """Sides must be multiples of 2^stages; a shared proxy needs as many positions as the embedding is wide."""
        problem = _size_problem(shape, self.stages(shape))
        if problem:
            return problem
        height, width = self.positions(shape)
        if min(height, width) < 4:
            return f"channels: {self.stages(shape)} layers leave a map of less than 2 px; take fewer"
        if self.proxy == "shared" and height * width != self.embedding:
            return (
                f"proxy: shared needs as many positions of the condition map as the embedding is wide, here {height} × "
                f"{width} = {height * width} against {self.embedding}; use proxy: own, or embedding: {height * width}"
            )
        return None

    def build(self, site: "Site") -> "Critic":
        """Build Table 2 for the site's image shape."""
        from alloygan_plugins.jain2024.critic import build

        return build(self, site)


class Wgan(LossSpec):
    """Wasserstein loss with weight clipping after the critic's step (eq. 2; Arjovsky et al. 2017)."""

    kind: Literal["wgan"] = "wgan"
    clip: float = Field(
        0.009,
        ge=0,
        description="Critic weights are clipped to ±clip (Table 3); 0: not at all, for use with a penalty.",
    )
    clip_scope: Literal["all", "trunk"] = Field(
        "all",
        description="all: every parameter of the critic; trunk: only weights and biases on the way to the score, not "
        "batch norm, projection layers and conditioner.",
    )

    @property
    def over(self) -> Literal["batch", "images"]:
        """Its terms are means over images."""
        return "images"

    def build(self, site: "Site") -> "Loss":
        """Build the loss."""
        from alloygan_plugins.jain2024.losses import WassersteinLoss

        return WassersteinLoss(self)


class ContraGan2C(LossSpec):
    """ContraGAN's conditional contrastive loss 2C (eq. 3; Kang and Park 2020)."""

    kind: Literal["contragan_2c"] = "contragan_2c"
    temperature: float = Field(0.1, ge=0.01, description="Temperature t (Table 3); ContraGAN's own files have 1.0.")
    similarity: Literal["cosine", "dot"] = Field(
        "cosine",
        description="cosine: unit vectors, as ContraGAN's code; dot: as printed, no signal under clipping.",
    )
    self_pair: Literal["drop", "as_printed"] = Field(
        "drop",
        description="drop: no k = i in the numerator either; as_printed: kept there, the loss can be negative.",
    )

    @property
    def needs(self) -> frozenset[str]:
        """Both embeddings, and ids to tell the classes by."""
        return frozenset({"image_embedding", "condition_embedding", "label"})

    def build(self, site: "Site") -> "Loss":
        """Build the loss."""
        from alloygan_plugins.jain2024.losses import ContraGan2CLoss

        return ContraGan2CLoss(self)


class Proportional2C(LossSpec):
    """The paper's loss for continuous conditions: image distance in proportion to condition distance (eq. 1)."""

    kind: Literal["proportional_2c"] = "proportional_2c"
    distance: Literal["cosine", "l2"] | None = Field(
        None,
        description="Distance d of image embeddings (and of learned e(y)): 1 − cosine, or Euclidean. By default cosine "
        "for learned and l2 for fixed label distances.",
    )
    alpha: Annotated[float, Field(gt=0)] | Literal["learned"] = Field(
        1.0,
        description="Proportionality constant α. learned: trained with the critic from 1 on; with fixed label "
        "distances the loss is then 0 where l(x) is constant and α is 0.",
    )
    delta: float = Field(0.0, ge=0, description="Softness δ: deviations below it cost nothing.")
    normalise: Literal["pairs", "as_printed"] = Field(
        "pairs",
        description="pairs: mean over the m(m − 1) pairs; as_printed: sum over pairs divided by m only.",
    )
    label_distance: Literal["learned", "fixed"] = Field(
        "learned",
        description="learned: d(e(y_i), e(y_j)); fixed: Euclidean distance of the scaled conditions.",
    )
    relative: bool = Field(
        False,
        description="Both distances in units of their mean over the batch, so that only proportions count: α is fitted "
        "in each batch, and collapsed embeddings do not cost less. Beyond the paper.",
    )
    anchored: bool = Field(
        False,
        description="Generator's step: distances of generated images from the batch's real ones, in place of those "
        "among themselves, which stay as they are when all images move together or are mirrored. Beyond the paper.",
    )

    @model_validator(mode="after")
    def _one_alpha(self) -> Self:
        if self.relative and self.alpha != 1.0:
            raise ValueError(f"alpha: {self.alpha}: with relative: true α is fitted in each batch; remove one of them")
        return self

    @property
    def needs(self) -> frozenset[str]:
        """The image embedding, the condition embedding where distances are learned, real images beside generated ones
        where these are anchors.
        """
        learned = {"condition_embedding"} if self.label_distance == "learned" else set()
        return frozenset({"image_embedding"} | learned | ({"real_in_generator_step"} if self.anchored else set()))

    def build(self, site: "Site") -> "Loss":
        """Build the loss."""
        from alloygan_plugins.jain2024.proportional import Proportional2CLoss

        return Proportional2CLoss(self)
