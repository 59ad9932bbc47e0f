"""Specs of the samplers."""

from typing import TYPE_CHECKING, Literal

from alloygan import SamplerSpec

if TYPE_CHECKING:
    from alloygan import Patches, Sampler, Site


class Uniform(SamplerSpec):
    """Every patch once an epoch, in an order drawn anew for each epoch."""

    kind: Literal["uniform"] = "uniform"

    def build(self, patches: "Patches", site: "Site", seed: int) -> "Sampler":
        """Build the sampler."""
        from alloygan_plugins.batch_samplers.uniform import UniformSampler

        return UniformSampler(patches, seed)


class Balanced(SamplerSpec):
    """Every condition equally often in each batch, its patches at random."""

    kind: Literal["balanced"] = "balanced"

    @property
    def needs(self) -> frozenset[str]:
        """An id, to tell the conditions apart."""
        return frozenset({"label"})

    def build(self, patches: "Patches", site: "Site", seed: int) -> "Sampler":
        """Build the sampler."""
        from alloygan_plugins.batch_samplers.balanced import BalancedSampler

        return BalancedSampler(patches, seed)
