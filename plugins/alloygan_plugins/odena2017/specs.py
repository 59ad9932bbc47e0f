"""Spec of the auxiliary classifier."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from alloygan import LossSpec

if TYPE_CHECKING:
    from alloygan import Loss, Site


class AuxiliaryClassifier(LossSpec):
    """Auxiliary classifier: a head tells an image's condition from its embedding (AC-GAN, Odena et al. 2017, eq. 3)."""

    kind: Literal["auxiliary_classifier"] = "auxiliary_classifier"
    critic_learns_from: Literal["both", "real"] = Field(
        "both",
        description="Images whose conditions critic and head learn to tell: real and generated ones, as in the paper; "
        "or real ones only, as in many implementations.",
    )

    @property
    def needs(self) -> frozenset[str]:
        """The image embedding, and ids as classes."""
        return frozenset({"image_embedding", "label"})

    @property
    def over(self) -> Literal["batch", "images"]:
        """Its terms are means over images."""
        return "images"

    def build(self, site: "Site") -> "Loss":
        """Build the head from the embedding's width to the number of conditions."""
        from alloygan_plugins.odena2017.losses import AuxiliaryClassifierLoss

        (width,) = site.critic_outputs["image_embedding"]
        return AuxiliaryClassifierLoss(self, width, site.condition_count)
