"""What kind of motion a clip of the library is, told by its name."""

from __future__ import annotations

import re

CLASSES = ("walking", "sitting", "floor", "dancing", "fighting", "other")
"""``sitting`` includes squats and lunges, ``floor`` falls, rolls and getting up, ``walking`` runs."""

# The first pattern that is found in the name of a motion counts.
_PATTERNS = {
    "floor": r"^jump/(139_|140_|90_1[67]|127_2[34]|88_08|85_0[567])",
    "fighting": r"martial/|^cyun9601/02/02_0[5789]|^jump/(90_05|88_06)",
    "dancing": r"salsa/|indian/|^jump/85_0[128]",
    "sitting": r"^s\d+/m0[12345]_|/jumping/|^cyun9601/02/02_06",
    "walking": r"^kseniia/|/walking|/running/|^cyun9601/(03/|02/02_0[123])|^jump/(0[789]_|16_|127_)",
}


def motion_class(name: str) -> str:
    """One of `CLASSES` for the name of a motion."""
    fits = (kind for kind, pattern in _PATTERNS.items() if re.search(pattern, name))
    return next(fits, "other")
