"""Errors that a user can mend."""


class UserError(Exception):
    """Wrong input, said in one line that names the key or file, its value and the fix.

    Front ends (the command line, the workflow's scripts, the Snakefile) print the message without a traceback and exit
    with status 1.
    """
