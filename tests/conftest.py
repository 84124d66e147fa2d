"""One thread for each process of the tests: several run at once, and files say how many threads computed them."""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # read when torch and numpy are imported, which is after this
