"""Whether an exception is of a message between processes: how each notices that another one has died.

Messages are sent where a loss first looks at what it needs of the whole batch, in the middle of a plugin's code, which
is not to blame; and no such error is a reason not to start again.
"""

import traceback


def lost_process(error: BaseException) -> bool:
    """Whether the exception comes from torch's messages between processes."""
    return any(
        str(frame.f_globals.get("__name__", "")).split(".")[:2] == ["torch", "distributed"]
        for frame, _ in traceback.walk_tb(error.__traceback__)
    )
