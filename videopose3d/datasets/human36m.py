"""Human3.6M: its four cameras, where they stood for whom, and its 17 joints among the 32 of the files.

Numbers of the data set's own calibration (http://vision.imar.ro/human3.6m), as the community files need them.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from videopose3d.calibration import CalibratedCamera
from videopose3d.errors import SkeletonMismatchError
from videopose3d.skeleton import H36M17
from videopose3d.types import FloatArray

FPS = 50.0
SKELETON = H36M17
KEPT = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
"""The joints of `SKELETON` among the 32 of the motion capture; the others repeat them or are toes and thumbs."""

LENSES = (
    CalibratedCamera(
        name="54138969",
        size=(1000, 1002),
        focal=(1145.0494, 1143.7811),
        center=(512.5415, 515.4515),
        radial=(-0.20709892, 0.24777518, -0.0030751503),
        tangential=(-0.0009756989, -0.0014244716),
    ),
    CalibratedCamera(
        name="55011271",
        size=(1000, 1000),
        focal=(1149.6757, 1147.5917),
        center=(508.84863, 508.0649),
        radial=(-0.19421363, 0.24040854, 0.0068199756),
        tangential=(-0.0016190266, -0.0027408944),
    ),
    CalibratedCamera(
        name="58860488",
        size=(1000, 1000),
        focal=(1149.1407, 1148.799),
        center=(519.81586, 501.40265),
        radial=(-0.20833819, 0.255488, -0.0024604974),
        tangential=(0.001484387, -0.0007599993),
    ),
    CalibratedCamera(
        name="60457274",
        size=(1000, 1002),
        focal=(1145.5114, 1144.7739),
        center=(514.9682, 501.88202),
        radial=(-0.19838409, 0.21832368, -0.008947807),
        tangential=(-0.0005872056, -0.001813362),
    ),
)
"""The same for everyone; the places change with the subject."""

PLACES = """
S1  | 0.14070565 -0.15007018 -0.7552408   0.62232804  |  1841.107   4955.2847 1563.4454
S1  | 0.6157188  -0.7648363  -0.14833826  0.11794741  |  1761.2786 -5078.007  1606.265
S1  | 0.14651473 -0.14647852  0.76530236 -0.60941756  | -1846.7777  5215.0464 1491.9724
S1  | 0.58340085 -0.7853162   0.14548823 -0.14749594  | -1794.7897 -3722.699  1574.8927
S5  | 0.14673772 -0.16237096 -0.7551893   0.6178939   |  2097.3916  4880.945  1605.7324
S5  | 0.61597586 -0.7626792  -0.15728192  0.1189815   |  2031.7008 -5167.933  1612.9231
S5  | 0.14291371 -0.12907842  0.7678385  -0.6110143   | -1620.5948  5171.6587 1496.437
S5  | 0.592048   -0.7814218   0.12747486 -0.15036418  | -1637.1737 -3867.3174 1547.0332
S6  | 0.13378978 -0.15692396 -0.75710905  0.61988795  |  1935.4518  4950.2456 1618.0839
S6  | 0.61471975 -0.7628813  -0.16174768  0.11819245  |  1969.804  -5128.739  1632.7788
S6  | 0.15299481 -0.13529131  0.76460963 -0.6112781   | -1769.5964  5185.3613 1476.9934
S6  | 0.59161013 -0.7804774   0.1283227  -0.15615939  | -1721.6687 -3884.1313 1540.4879
S7  | 0.14352418 -0.16313368 -0.75483286  0.6188825   |  1974.513   4926.3545 1597.8326
S7  | 0.6141673  -0.76382625 -0.15966456  0.117792994 |  1937.0585 -5119.79   1631.5665
S7  | 0.1455006  -0.12874816  0.76605165 -0.61271393  | -1741.8112  5208.2495 1464.8246
S7  | 0.5912848  -0.78217643  0.12445474 -0.15196487  | -1734.7106 -3832.4214 1548.583
S8  | 0.14110588 -0.15589868 -0.75619173  0.61964405  |  2150.6519  4896.161  1611.9047
S8  | 0.61696017 -0.7647668  -0.1484635   0.11158158  |  2219.9656 -5148.453  1613.0441
S8  | 0.1471444  -0.1337712   0.76701283 -0.61003697  | -1571.2216  5137.0186 1498.1761
S8  | 0.59278244 -0.78258705  0.12147816 -0.14631996  | -1476.9133 -3896.7412 1547.9722
S9  | 0.15540588 -0.15548216 -0.75320953  0.6199595   |  2044.4585  4935.117  1481.2275
S9  | 0.6187845  -0.7634735  -0.14132239  0.11933968  |  1990.9597 -5123.8105 1568.8048
S9  | 0.13357827 -0.13671005  0.76894546 -0.61007386  | -1670.9922  5211.986  1528.388
S9  | 0.5879399  -0.7823407   0.14276144 -0.1479487   | -1696.0435 -3827.0999 1591.4127
S11 | 0.15232472 -0.1544232  -0.75475633  0.619107    |  2098.4402  4926.5547 1500.2786
S11 | 0.61894494 -0.7600917  -0.15300633  0.12552583  |  2083.1824 -4912.173  1561.0786
S11 | 0.14943229 -0.15650228  0.7681234  -0.60263044  | -1609.8153  5177.336  1537.8967
S11 | 0.58942515 -0.7818877   0.13991211 -0.14715362  | -1590.738  -3854.169  1578.0176
"""
"""Subject, orientation (w, x, y, z), position [mm]; one line per camera in the order of `LENSES`."""


@lru_cache
def cameras(subject: str) -> tuple[CalibratedCamera, ...]:
    """The four cameras in the order of the files; without a place for subjects that have no published 3D."""
    rows = [line.split("|") for line in PLACES.strip().splitlines()]
    places = [(turn, place) for name, turn, place in rows if name.strip() == subject]
    if not places:
        return LENSES
    return tuple(camera_at(lens, turn, place) for lens, (turn, place) in zip(LENSES, places, strict=True))


def camera_at(lens: CalibratedCamera, turn: str, place: str) -> CalibratedCamera:
    """The camera with its orientation ``w x y z`` and position ``x y z`` [mm]."""
    w, x, y, z = map(float, turn.split())
    # Millimetres become metres in single precision, as in the original program: all digits of poses depend on it.
    px, py, pz = (np.array(place.split(), np.float32) / np.float32(1000)).tolist()
    return replace(lens, orientation=(w, x, y, z), translation=(px, py, pz))


def seventeen_joints(positions: FloatArray) -> FloatArray:
    """(T, 17, 3) of (T, 32, 3); 17 joints are taken as they are.

    Raises:
        SkeletonMismatchError: Another number of joints.
    """
    joints = positions.shape[1]
    if joints not in (17, 32):
        raise SkeletonMismatchError(f"expected 32 joints of Human3.6M (or the 17 used ones), got {joints}")
    return positions if joints == 17 else positions[:, list(KEPT)]
