"""alloygan: a plugin-based zoo of conditional GANs for microstructures.

The public surface. Names are imported when they are first used, so that what needs no torch does not pay for it.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# Without it a product is not reproducible on a GPU, and a training refuses it. torch reads it once in a process, at the
# first product of all, which may come long before a training: when a model is sampled, say.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

if TYPE_CHECKING:
    from alloygan.assembler import assemble as assemble
    from alloygan.data.patches import Data as Data
    from alloygan.data.patches import Patches as Patches
    from alloygan.errors import AlloyganError as AlloyganError
    from alloygan.evaluation.of_run import evaluate_run as evaluate_run
    from alloygan.hookspecs import hookimpl as hookimpl
    from alloygan.interfaces.augmenter import Augmenter as Augmenter
    from alloygan.interfaces.batch import Batch as Batch
    from alloygan.interfaces.comparison import Comparison as Comparison
    from alloygan.interfaces.condition import Condition as Condition
    from alloygan.interfaces.conditioner import Conditioner as Conditioner
    from alloygan.interfaces.critic import Critic as Critic
    from alloygan.interfaces.critic import Critique as Critique
    from alloygan.interfaces.descriptor import Descriptor as Descriptor
    from alloygan.interfaces.descriptor import Measurement as Measurement
    from alloygan.interfaces.descriptor import Specimens as Specimens
    from alloygan.interfaces.generator import Generator as Generator
    from alloygan.interfaces.launcher import Launcher as Launcher
    from alloygan.interfaces.launcher import Task as Task
    from alloygan.interfaces.loss import Loss as Loss
    from alloygan.interfaces.loss import Terms as Terms
    from alloygan.interfaces.sampler import Sampler as Sampler
    from alloygan.interfaces.site import Site as Site
    from alloygan.interfaces.step import CriticStep as CriticStep
    from alloygan.interfaces.step import GeneratorStep as GeneratorStep
    from alloygan.sharing import load_generator as load_generator
    from alloygan.specs.components import AugmenterSpec as AugmenterSpec
    from alloygan.specs.components import ComparisonSpec as ComparisonSpec
    from alloygan.specs.components import ConditionerSpec as ConditionerSpec
    from alloygan.specs.components import CriticSpec as CriticSpec
    from alloygan.specs.components import DatasetSpec as DatasetSpec
    from alloygan.specs.components import DescriptorSpec as DescriptorSpec
    from alloygan.specs.components import GeneratorSpec as GeneratorSpec
    from alloygan.specs.components import LauncherSpec as LauncherSpec
    from alloygan.specs.components import LossSpec as LossSpec
    from alloygan.specs.components import SamplerSpec as SamplerSpec
    from alloygan.training.loop import train as train
    from alloygan.zoo import Zoo as Zoo
    from alloygan.zoo import load_zoo as load_zoo

_HOME = (
    {
        "hookimpl": "hookspecs",
        "AlloyganError": "errors",
        "load_zoo": "zoo",
        "Zoo": "zoo",
        "assemble": "assembler",
        "train": "training.loop",
        "load_generator": "sharing",
        "evaluate_run": "evaluation.of_run",
        "Task": "interfaces.launcher",
        "Terms": "interfaces.loss",
        "CriticStep": "interfaces.step",
        "GeneratorStep": "interfaces.step",
        "Critique": "interfaces.critic",
        "Data": "data.patches",
        "Patches": "data.patches",
        "Measurement": "interfaces.descriptor",
        "Specimens": "interfaces.descriptor",
    }
    | {
        name: f"interfaces.{name.lower()}"
        for name in (
            "Augmenter",
            "Batch",
            "Comparison",
            "Condition",
            "Conditioner",
            "Critic",
            "Descriptor",
            "Generator",
            "Launcher",
            "Loss",
            "Sampler",
            "Site",
        )
    }
    | {
        f"{sort}Spec": "specs.components"
        for sort in (
            "Augmenter",
            "Comparison",
            "Conditioner",
            "Critic",
            "Dataset",
            "Descriptor",
            "Generator",
            "Launcher",
            "Loss",
            "Sampler",
        )
    }
)

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    """Import a public name from its room when it is first used (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'alloygan' has no attribute {name!r}")
    value = getattr(import_module(f"alloygan.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return __all__
