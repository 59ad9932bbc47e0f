"""The errors that a user can cause or meet; each carries the exit code of the command that reports it.

A message says what was asked, where, the nearest known names, and what to do. None of these derives from
KeyError, whose text Python prints as a repr with the line breaks escaped.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class AlloyganError(Exception):
    """Base of all errors with a message for the user. `exit_code` 2: the input is wrong; 1: a run failed."""

    exit_code = 2


class SpecError(AlloyganError):
    """A spec file or an override cannot be read, or does not describe a GAN that can be built."""


class DataError(AlloyganError):
    """A manifest, an image, a mask or a condition cannot be used."""


class PluginError(AlloyganError):
    """A plugin cannot be loaded, or registers something that is not allowed."""


class RunFolderError(AlloyganError):
    """A run folder, a checkpoint or a shared model cannot be used."""


class LaunchError(AlloyganError):
    """Work cannot be handed to the engine that was asked for: it is not installed, or it refuses."""


class TrainingError(AlloyganError):
    """A run failed while it ran, for example on a non-finite value."""

    exit_code = 1


def nearest(name: str, known: Iterable[str], *, noun: str = "Known") -> str:
    """A sentence naming what is close to `name`, and all that is known: " Did you mean 'hinge'? Known: …"."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    guess = f" Did you mean {close[0]!r}?" if close else ""
    return f"{guess} {noun}: {', '.join(names) if names else '(none)'}."
