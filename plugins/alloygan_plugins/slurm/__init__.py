"""Hands the cells of an ablation to a cluster's Slurm, through submitit."""

from alloygan import hookimpl
from alloygan.hookspecs import Register
from alloygan_plugins.slurm.specs import Slurm


@hookimpl
def alloygan_register_launchers(register: Register) -> None:
    """Register the launcher."""
    register(Slurm)
