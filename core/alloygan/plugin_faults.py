"""Which plugin an unexpected exception comes from, found in its traceback, so that the message can name it."""

import sys
import traceback
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import FrameType

from alloygan.lost_processes import lost_process
from alloygan.zoo import FILE_PLUGIN, GROUP

OWN = "alloygan_plugins"


def plugin_fault(error: BaseException) -> str | None:
    """One message for an exception that went through a plugin's code: whose, where and what; None if none was in it.

    The innermost line of a plugin is named; one that others wrote before one of alloygan's own, which they may have
    called wrongly. No plugin's fault is the death of another process.
    """
    if lost_process(error):
        return None
    points = {point.value.split(":")[0].split(".")[0]: point for point in entry_points(group=GROUP)}
    lines = [
        (package, frame, number)
        for frame, number in traceback.walk_tb(error.__traceback__)
        if (package := _package(frame)) in points or package.startswith(FILE_PLUGIN)
    ]
    if not lines:
        return None
    package, frame, number = ([line for line in lines if line[0] != OWN] or lines)[-1]
    code = frame.f_code
    said = "; ".join(filter(None, [str(error) or "no message", *getattr(error, "__notes__", ())]))
    return (
        f"{_who(package, frame, points)} failed: {type(error).__name__}: {said}\n"
        f"  at {code.co_filename}, line {number}, in {code.co_qualname}\n"
        "  Repair it, or leave it out; with ALLOYGAN_TRACEBACK=1 the whole traceback is shown."
    )


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).split(".")[0]


def _who(package: str, frame: FrameType, points: Mapping[str, EntryPoint]) -> str:
    if package.startswith(FILE_PLUGIN):
        file = getattr(sys.modules.get(package), "__file__", None) or frame.f_code.co_filename
        return f"plugin {Path(file).name}"
    distribution = points[package].dist
    known = f"{distribution.name} {distribution.version}" if distribution else package
    # A distribution of many plugins has one module for each.
    member = str(frame.f_globals.get("__name__", "")).split(".")[1:2] if package == OWN else []
    return f"plugin {member[0]} of {known}" if member else f"plugin {known}"
