"""What holds for all tests, whatever the machine."""

import os

# One thread for each process: several run at once, and files say how many threads computed them.
os.environ["OMP_NUM_THREADS"] = "1"  # read when torch and numpy are imported, which is after this

from hypothesis import settings

# How long an example takes says how busy the machine is, not whether what it checks holds.
settings.register_profile("andor", deadline=None)
settings.load_profile("andor")
