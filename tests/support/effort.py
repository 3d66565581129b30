"""How much a run tries: little and always the same in `make test`, much and each time anew in `make chaos`.

`DRYDOCK_TEST_EFFORT` multiplies how many examples, mutated packages and commands a test tries; whatever is drawn at
random follows from `DRYDOCK_TEST_SEED`, which every run prints.
"""

import os
import random

_GIVEN = os.environ.get("DRYDOCK_TEST_SEED")
# The processes of a run that is side by side draw alike.
_DRAWN = os.environ.setdefault("DRYDOCK_TEST_DRAWN_SEED", str(random.SystemRandom().randrange(10**6)))

EFFORT = float(os.environ.get("DRYDOCK_TEST_EFFORT") or 1)
SEED = int(_GIVEN or _DRAWN)
SAME_AS_EVER = EFFORT == 1 and not _GIVEN
"""Whether the examples of this run are those of the last one."""


def times(few: int) -> int:
    """So many in `make test`, more by the effort of the run; at least one."""
    return max(1, round(few * EFFORT))


def first_seed(usual: int) -> int:
    """The first of a test's own seeds: the usual one in a run like the last one, else the run's."""
    return usual if SAME_AS_EVER else SEED
