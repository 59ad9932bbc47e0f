"""Zhao, Liu, Lin, Zhu and Han: Differentiable Augmentation for Data-Efficient GAN Training (arXiv 2006.10738).

The augmenter `diffaugment` and a training with few real images, `zoo:zhao2020`.
"""

from collections.abc import Callable

from alloygan import hookimpl
from alloygan_plugins.zhao2020 import specs


@hookimpl
def alloygan_register_augmenters(register: Callable[[type], None]) -> None:
    """Register the augmenter."""
    register(specs.DiffAugment)
