"""The one exception that means "the person at the keyboard can mend this"."""

from __future__ import annotations


class UserError(ValueError):
    """A user's mistake, told in one plain sentence that names file, key and what is allowed.

    The command line prints the sentence on stderr and exits with code 2, without a traceback.
    Invariants of the code itself are `assert`ed instead.
    """


class DataError(UserError):
    """The images behind a study are missing, damaged or others than they were.

    No network is to blame for it: a worker that meets it stops, and its training waits again.
    """
