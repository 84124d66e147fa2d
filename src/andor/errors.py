"""Errors that a user can mend."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

_REFUSED = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS)


class UserError(Exception):
    """Wrong input, said in one line that names the key or file, its value and the fix.

    Front ends (the command line, the workflow's scripts, the Snakefile) print the message without a traceback and exit
    with status 1.
    """


def refused(error: BaseException | None) -> OSError | None:
    """What a disk refused (room, or the right to write) and so caused an error; None if that is not the cause.

    Libraries hide it behind errors of their own; those in Rust state its number in their text alone.
    """
    while error is not None:
        stated = re.search(r"\(os error (\d+)\)", str(error))
        number = error.errno if isinstance(error, OSError) else stated and int(stated[1])
        if number in _REFUSED:
            return error if isinstance(error, OSError) else OSError(number, os.strerror(number))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return None


def cannot_write(path: Path | str, refusal: OSError) -> UserError:
    """The error to tell when a disk refused a path."""
    kind, fix = ("read or written", "mend permissions") if refusal.errno == errno.EACCES else ("written", "make room")
    return UserError(
        f"{path}: cannot be {kind} ({os.strerror(refusal.errno)}); {fix} or choose another folder and start again: "
        "what is already computed is kept"
    )
