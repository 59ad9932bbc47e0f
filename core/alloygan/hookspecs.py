"""Every hook, on one screen. A plugin implements any of them with `@alloygan.hookimpl`.

Each hook is handed `register`, a function that takes one spec class; the registry stays with the host.
"""

from typing import Any, Protocol

import pluggy

PROJECT = "alloygan"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Register(Protocol):
    """What a hook is handed: call it with each spec class that the plugin provides."""

    def __call__(self, spec: type[Any], /) -> None:
        """Register one spec class."""


@hookspec
def alloygan_register_generators(register: Register) -> None:
    """Register GeneratorSpec classes: noise and condition to images."""


@hookspec
def alloygan_register_critics(register: Register) -> None:
    """Register CriticSpec classes: images and condition to a score and embeddings."""


@hookspec
def alloygan_register_conditioners(register: Register) -> None:
    """Register ConditionerSpec classes: condition to an embedding."""


@hookspec
def alloygan_register_losses(register: Register) -> None:
    """Register LossSpec classes: one term of the objective each."""


@hookspec
def alloygan_register_samplers(register: Register) -> None:
    """Register SamplerSpec classes: which real images and which conditions make a batch."""


@hookspec
def alloygan_register_augmenters(register: Register) -> None:
    """Register AugmenterSpec classes: random differentiable maps of images, drawn at training time."""


@hookspec
def alloygan_register_datasets(register: Register) -> None:
    """Register DatasetSpec classes: where the real images and their conditions come from."""


@hookspec
def alloygan_register_descriptors(register: Register) -> None:
    """Register DescriptorSpec classes: measured quantities of a microstructure."""


@hookspec
def alloygan_register_comparisons(register: Register) -> None:
    """Register ComparisonSpec classes: scores of a set of images against another, by features."""


@hookspec
def alloygan_register_launchers(register: Register) -> None:
    """Register LauncherSpec classes: where the runs of an ablation or a search are worked on."""
