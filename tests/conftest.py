"""What holds for all tests, whatever the machine."""

import gc
import os

# One thread for each process: several run at once, and files say how many threads computed them.
os.environ["OMP_NUM_THREADS"] = "1"  # read when torch and numpy are imported, which is after this

from hypothesis import settings

# How long an example takes says how busy the machine is, not whether what it checks holds.
settings.register_profile("andor", deadline=None)
settings.load_profile("andor")

gc.disable()  # while libraries and tests are read: all that they make stays, and would be gone through again and again


def pytest_collection_finish() -> None:
    """Look for garbage from here on, but not among what is there by now."""
    gc.freeze()
    gc.enable()
