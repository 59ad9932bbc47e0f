"""The entry point: runs a command, and turns what goes wrong into one message and an exit code."""

import errno
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from cyclopts import CycloptsError

from alloygan.cli.app import app, fail, messages, screen
from alloygan.errors import AlloyganError, PluginError
from alloygan.lost_processes import lost_process
from alloygan.plugin_faults import plugin_fault
from alloygan.training.torchrun import refused_already

_UNUSABLE_PATH = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exit codes are 0 done, 1 failed while running, 2 the input is wrong."""
    # Threads that wait for each other actively are a little faster on an idle machine, and many times slower on a busy
    # one. OpenMP reads this when torch is imported, which is later.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if os.environ.get("RANK", "0") != "0":
        # Of several processes that train together, the first one speaks.
        screen.quiet = messages.quiet = True
    if refused_already():
        sys.exit(0)  # started again after a refusal: ending well is what keeps the launcher from another start
    try:
        app(arguments, exit_on_error=False, print_error=True, error_console=messages)
    except CycloptsError:
        sys.exit(2)
    except AlloyganError as error:
        fail(str(error), error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # `alloygan list | head` is no failure
    except OSError as error:
        if error.filename is None:
            _blame(error)
        # A path that cannot be used is the user's to change; a full disk is a failure of the run.
        code = 2 if error.errno in _UNUSABLE_PATH else 1
        fail(f"{error.filename}: {error.strerror}; name a file or folder that can be read and written", code)
    except Exception as error:
        if refused_already():
            sys.exit(1)  # the other one is gone, which is all that this error says
        if lost_process(error) and not os.environ.get("ALLOYGAN_TRACEBACK"):
            # Nothing that would be refused again: the launcher starts all of them once more.
            said = "; ".join(line.strip() for line in str(error).splitlines() if line.strip())
            messages.print(
                f"a message to another process of this training failed, which is how the end of one is noticed: {said} "
                "(with ALLOYGAN_TRACEBACK=1 the whole traceback is shown)",
                markup=False,
            )
            sys.exit(1)
        _blame(error)
    except KeyboardInterrupt:
        messages.print("interrupted; the same command goes on, a training from its last checkpoint", markup=False)
        sys.exit(130)


def _blame(error: Exception) -> NoReturn:
    """Name the plugin that an unexpected exception comes from; one of the core is a bug, and keeps its traceback."""
    fault = plugin_fault(error)
    if fault is None or os.environ.get("ALLOYGAN_TRACEBACK"):
        raise error
    fail(fault, PluginError.exit_code)
