"""What a spec says of the descriptors of particles."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from alloygan.specs.components import DescriptorSpec

if TYPE_CHECKING:
    from alloygan.interfaces.descriptor import Descriptor


class ParticleSpec(DescriptorSpec):
    """Which regions of the primary phase are particles."""

    min_area: float = Field(
        20.0, ge=0, description="Smallest area of a particle in px²; smaller ones are taken for noise."
    )


class EquivalentDiameter(ParticleSpec):
    """Diameter of the circle with a particle's area, one value a particle (px or µm)."""

    kind: Literal["equivalent_diameter"] = "equivalent_diameter"
    exclude_edges: bool = Field(
        True, description="Leave out particles that touch the border of the image, whose size is not known."
    )

    def build(self) -> "Descriptor":
        """Build the descriptor."""
        from alloygan_plugins.imagej_particles.size_and_shape import EquivalentDiameterDescriptor

        return EquivalentDiameterDescriptor(self.min_area, self.exclude_edges)


class AspectRatio(ParticleSpec):
    """Major over minor axis of ImageJ's ellipse, one value a particle, at least 1."""

    kind: Literal["aspect_ratio"] = "aspect_ratio"
    exclude_edges: bool = Field(
        True, description="Leave out particles that touch the border of the image, whose shape is not known."
    )

    def build(self) -> "Descriptor":
        """Build the descriptor."""
        from alloygan_plugins.imagej_particles.size_and_shape import AspectRatioDescriptor

        return AspectRatioDescriptor(self.min_area, self.exclude_edges)


class NumberDensity(ParticleSpec):
    """Particles per area, one value an image (1/px² or 1/µm²)."""

    kind: Literal["number_density"] = "number_density"
    edges: Literal["two_sides", "miles_lantuejoul"] = Field(
        "two_sides",
        description="How particles at the border count: not if they touch its upper or left side (so that "
        "each counts in one of the images that tile a plane); or only those clear of it, each divided "
        "by the area of the places where one of its size would be clear of the border.",
    )

    def build(self) -> "Descriptor":
        """Build the descriptor."""
        from alloygan_plugins.imagej_particles.density import NumberDensityDescriptor

        return NumberDensityDescriptor(self.min_area, self.edges)
