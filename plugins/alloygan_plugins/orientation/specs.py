"""What a spec says of the descriptors of layers."""

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from alloygan.specs.components import DescriptorSpec

if TYPE_CHECKING:
    from alloygan.interfaces.descriptor import Descriptor


class LamellarSpacing(DescriptorSpec):
    """Period of the lamellae, from the spectrum of the grey image, one value an image (px or µm)."""

    kind: Literal["lamellar_spacing"] = "lamellar_spacing"
    where: Literal["matrix", "image"] = Field(
        "matrix",
        description="Where lamellae are looked for: in the matrix, with the primary phase left out; or in the whole "
        "image, where the primary phase is a lamella itself.",
    )
    rim: int = Field(
        2, ge=0, description="So many px around the primary phase are left out too (blurred edges); for where: matrix."
    )
    shortest: float = Field(3.0, gt=2, description="Shortest period that counts in px; below 2 px no image shows any.")
    longest: float | None = Field(
        None, gt=2, description="Longest period that counts in px; by default a quarter of the image's shorter side."
    )
    contrast: float = Field(
        4.0,
        gt=1,
        description="How many times the lowest power on either side of it the peak of the spectrum has to reach.",
    )
    share: float = Field(
        0.25,
        ge=0,
        lt=1,
        description="Share of the power, white noise not counted, that has to lie within about 20 % of the peak.",
    )

    @model_validator(mode="after")
    def _periods_in_order(self) -> Self:
        if self.longest is not None and self.longest <= self.shortest:
            raise ValueError(f"longest ({self.longest:g} px) has to be above shortest ({self.shortest:g} px)")
        return self

    def build(self) -> "Descriptor":
        """Build the descriptor."""
        from alloygan_plugins.orientation.lamellar_spacing import LamellarSpacingDescriptor

        return LamellarSpacingDescriptor(self)


class OrientationAnisotropy(DescriptorSpec):
    """Alignment of the structure: mean cos 2θ or cos 4θ over its directions, one value an image, -1 to 1."""

    kind: Literal["orientation_anisotropy"] = "orientation_anisotropy"
    order: Literal[2, 4] = Field(
        2,
        description="2: one axis, such as that of a compression; cos 2θ is 1 along the horizontal, -1 along the "
        "vertical. 4: two axes at right angles, as in a cubic crystal; cos 4θ is 1 along both, -1 along the diagonals.",
    )
    value: Literal["cosine", "strength"] = Field(
        "cosine", description="cosine: along which axis, -1 to 1; strength: how far aligned along any, 0 to 1."
    )
    of: Literal["image", "mask"] = Field(
        "image",
        description="What has the directions: the grey image with all that it shows, or the border of the primary "
        "phase in the mask.",
    )
    scale: float = Field(
        1.0,
        ge=1,
        description="Standard deviation in px of the Gaussian that gradients are taken with; finer detail has no say.",
    )

    def build(self) -> "Descriptor":
        """Build the descriptor."""
        from alloygan_plugins.orientation.orientation_anisotropy import OrientationAnisotropyDescriptor

        return OrientationAnisotropyDescriptor(self.order, self.value, self.of, self.scale)
