"""Jain et al.: Microstructure modeling of deformed alloys using contrastive conditional GANs (2024).

The paper's generator and critic (Tables 1 and 2), its two ways of taking the condition, its losses (eqs. 1 to 3), and
its training settings (Table 3) as `zoo:jain2024`. README.md lists where the paper leaves a choice, and ours.
"""

from collections.abc import Callable

from alloygan import hookimpl
from alloygan_plugins.jain2024 import specs


@hookimpl
def alloygan_register_generators(register: Callable[[type], None]) -> None:
    """Register the generator."""
    register(specs.DcganAttention)


@hookimpl
def alloygan_register_critics(register: Callable[[type], None]) -> None:
    """Register the critic."""
    register(specs.DcganContrastive)


@hookimpl
def alloygan_register_conditioners(register: Callable[[type], None]) -> None:
    """Register both conditioners."""
    register(specs.OneHot)
    register(specs.ContinuousMlp)


@hookimpl
def alloygan_register_losses(register: Callable[[type], None]) -> None:
    """Register the three losses."""
    register(specs.Wgan)
    register(specs.ContraGan2C)
    register(specs.Proportional2C)
