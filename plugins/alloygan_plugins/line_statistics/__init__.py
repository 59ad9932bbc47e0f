"""What a test line meets: the lineal path, and the lengths of chords."""

from alloygan import hookimpl
from alloygan.hookspecs import Register
from alloygan_plugins.line_statistics.specs import ChordLength, LinealPath


@hookimpl
def alloygan_register_descriptors(register: Register) -> None:
    """Register the descriptors of test lines."""
    for spec in (LinealPath, ChordLength):
        register(spec)
