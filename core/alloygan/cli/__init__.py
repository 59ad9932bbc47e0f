"""The command line: parse, call, print. What needs torch is imported by the commands that need it."""

from alloygan.cli import looking, micrographs, runs, studies  # their commands register themselves
from alloygan.cli.app import app
from alloygan.cli.entry import main

__all__ = ["app", "looking", "main", "micrographs", "runs", "studies"]
