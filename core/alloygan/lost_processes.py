"""Whether an exception is of a message between processes: how each notices that another one has died.

Messages are sent where a loss first looks at what it needs of the whole batch, in the middle of a plugin's code, which
is not to blame; and no such error is a reason not to start again.
"""

import traceback


def lost_process(error: BaseException) -> bool:
    """Whether the exception comes from torch's messages between processes that have met, or was raised for one that
    does.
    """
    before = error.__cause__ or error.__context__
    if before is not None and lost_process(before):
        return True
    if not isinstance(error, RuntimeError):
        return False
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    inside = [one for one in frames if str(one.f_globals.get("__name__", "")).startswith("torch.distributed")]
    # What goes wrong while they meet is an address or a setting, and is told as it is.
    return bool(inside) and all(one.f_code.co_name != "init_process_group" for one in inside)
