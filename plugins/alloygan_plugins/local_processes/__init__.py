"""Runs the cells of an ablation on this machine, each in a process of its own."""

from alloygan import hookimpl
from alloygan.hookspecs import Register
from alloygan_plugins.local_processes.specs import Local


@hookimpl
def alloygan_register_launchers(register: Register) -> None:
    """Register the launcher."""
    register(Local)
