"""The spec classes that plugins derive from: what each sort of component is configured by, and what it builds.

`needs` and `gives` are names, so that the assembler can refuse a mismatch before anything is built:
`image_embedding`, `condition_embedding`, `extras.<name>` (a critic gives them, a loss needs them), `label` (an id in
the table of conditions; a data set gives it), `real_in_generator_step` and `second_order` (a loss asks the loop).
`build` is only declared here; a plugin's own `build` may import torch, this module never does.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from alloygan.errors import DataError, PluginError
from alloygan.specs.condition_columns import ColumnSpec
from alloygan.specs.held_out import HeldOutSpec
from alloygan.specs.spec import Spec

if TYPE_CHECKING:
    from alloygan.data.condition_space import ConditionSpace
    from alloygan.data.patches import Data, Patches
    from alloygan.data.simulated import SimulatedMicrograph
    from alloygan.interfaces.augmenter import Augmenter
    from alloygan.interfaces.comparison import Comparison
    from alloygan.interfaces.conditioner import Conditioner
    from alloygan.interfaces.critic import Critic
    from alloygan.interfaces.descriptor import Descriptor
    from alloygan.interfaces.generator import Generator
    from alloygan.interfaces.launcher import Launcher
    from alloygan.interfaces.loss import Loss
    from alloygan.interfaces.sampler import Sampler
    from alloygan.interfaces.site import Site


class ComponentSpec(Spec):
    """A part that a plugin provides. Derived classes add `kind: Literal["…"] = "…"` and their fields."""

    kind: str = Field(description="Registered name of the component.")

    @property
    def needs(self) -> frozenset[str]:
        """Names of what this component needs from others."""
        return frozenset()

    @property
    def gives(self) -> frozenset[str]:
        """Names of what this component gives to others."""
        return frozenset()

    def _lacks(self, what: str) -> PluginError:
        cls = type(self)
        return PluginError(
            f"the plugin of {self.kind!r} is not complete: {cls.__module__}.{cls.__qualname__} has no {what}; write it"
        )


class ConditionerSpec(ComponentSpec):
    """A map from a condition to an embedding."""

    def build(self, site: "Site", width: int) -> "Conditioner":
        """Build the module with output (B, width)."""
        raise self._lacks("build()")


class GeneratorSpec(ComponentSpec):
    """A map from noise and condition to images."""

    def build(self, site: "Site") -> "Generator":
        """Build the module for the site's image shape (C, H, W) and condition space."""
        raise self._lacks("build()")

    def size_problem(self, shape: tuple[int, int, int]) -> str | None:
        """Why images of this shape (C, H, W) cannot be made, or None; asked before anything is built."""
        return None


class CriticSpec(ComponentSpec):
    """A map from images and condition to a score, and possibly embeddings."""

    def build(self, site: "Site") -> "Critic":
        """Build the module for the site's image shape (C, H, W) and condition space."""
        raise self._lacks("build()")

    def size_problem(self, shape: tuple[int, int, int]) -> str | None:
        """Why images of this shape (C, H, W) cannot be judged, or None; asked before anything is built."""
        return None


class LossSpec(ComponentSpec):
    """One term of the objective."""

    weight: float = Field(1.0, description="Factor of this term in the objective; the loop applies it, once.")
    every: int = Field(
        1,
        ge=1,
        description="Evaluate the term at every n-th critic update and generator update; not rescaled.",
    )

    @property
    def over(self) -> Literal["batch", "images"]:
        """What a term is taken over when several processes share a batch: `images`, where it is a mean over images (or
        over pairs of a real and a generated image in the same place), so that each process takes its own part's;
        `batch`, where it is not, and the loss is given the whole batch in every process.
        """
        return "batch"

    def build(self, site: "Site") -> "Loss":
        """Build the loss; `site.critic_outputs` has the shapes of what the critic gives."""
        raise self._lacks("build()")


class SamplerSpec(ComponentSpec):
    """Which real images, with which conditions, make a batch."""

    @property
    def gives(self) -> frozenset[str]:
        """`label`: target conditions are of the table; a sampler that moves them off it gives nothing."""
        return frozenset({"label"})

    def build(self, patches: "Patches", site: "Site", seed: int) -> "Sampler":
        """Build the sampler over the training patches."""
        raise self._lacks("build()")


class AugmenterSpec(ComponentSpec):
    """A random differentiable map of images, drawn at training time."""

    def build(self, site: "Site") -> "Augmenter":
        """Build the augmenter for the site's image shape."""
        raise self._lacks("build()")

    def size_problem(self, shape: tuple[int, int, int]) -> str | None:
        """Why images of this shape (C, H, W) cannot be augmented so, or None."""
        return None


class DatasetSpec(ComponentSpec):
    """Where the real images and their conditions come from."""

    held_out: HeldOutSpec | None = Field(
        None, description="Conditions that are kept out of training; `alloygan show held_out` has the fields."
    )

    @property
    def gives(self) -> frozenset[str]:
        """`label`, unless the conditions form no table."""
        return frozenset({"label"})

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of a patch, known before any image is read."""
        raise self._lacks("image_shape")

    def columns(self, asked: Sequence[ColumnSpec]) -> tuple[ColumnSpec, ...]:
        """The condition columns of a run: those asked for, checked, or the data set's own where none are asked."""
        raise self._lacks("columns()")

    def check_inputs(self, asked: Sequence[ColumnSpec]) -> None:
        """Check what is read later (manifest, files) as far as that goes without reading images or importing torch.

        Raises DataError. By default there is nothing to check.
        """

    def condition_space(self, asked: Sequence[ColumnSpec]) -> "ConditionSpace":
        """The condition space of `build`, found without reading or simulating images."""
        raise self._lacks("condition_space()")

    def training_patches(self, asked: Sequence[ColumnSpec]) -> int | None:
        """How many training patches `build` gives, where that is known without it; None where it is not."""
        return None

    @property
    def leaves_files(self) -> bool:
        """Whether `build` leaves files that make the next one quick: of several processes the first builds alone."""
        return False

    def build(self, asked: Sequence[ColumnSpec]) -> "Data":
        """Read or simulate the images: training and evaluation patches with their conditions."""
        raise self._lacks("build()")

    def micrographs(self, asked: Sequence[ColumnSpec]) -> Iterator["SimulatedMicrograph"]:
        """Whole simulated images with what is known of them, for `alloygan simulate`.

        Raises DataError, as it does by default, where the data set simulates nothing.
        """
        raise DataError(f"the data set {self.kind} simulates nothing, so there is nothing to write")


class DescriptorSpec(ComponentSpec):
    """A measured quantity of a microstructure."""

    def build(self) -> "Descriptor":
        """Build the descriptor."""
        raise self._lacks("build()")


class ComparisonSpec(ComponentSpec):
    """Scores of a set of images against another, by features."""

    def build(self) -> "Comparison":
        """Build the comparison. Raises DataError, with the remedy, where something that it needs is not installed."""
        raise self._lacks("build()")


class LauncherSpec(ComponentSpec):
    """Where the runs of an ablation or a search are worked on."""

    jobs: int = Field(1, ge=1, description="At most so many at once.")

    def build(self) -> "Launcher":
        """Build the launcher. Raises LaunchError, with the remedy, where its engine is not there."""
        raise self._lacks("build()")
