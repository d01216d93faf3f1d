"""C3D: marker trajectories for biomechanics software [mm], Y up, binary. See docs/formats/c3d.md.

Source: the C3D user guide (https://www.c3d.org/docs/C3D_User_Guide.pdf): blocks of 512 bytes; a header, the
parameters, then the points as little-endian floats, x, y, z and residual. A residual of 0 marks a point that was
computed and not measured, -1 a point that is not there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from struct import pack
from typing import NamedTuple

import numpy as np

from videopose3d import __version__
from videopose3d.errors import OutputError
from videopose3d.export.contacts import stances
from videopose3d.export.upright import AXES, Array, lifted, markers, upright
from videopose3d.files import replacing
from videopose3d.types import Result

BLOCK = 512
MOST = 65535
"""The largest number of frames or points that fits the 16 bits the format has for it."""
_MAGIC, _INTEL = 80, 84
_EVENT_LABELS = 12345
_FLOATS = -1.0
"""A negative scale says that the points are floats."""
_FIRST_PARAMETER_BLOCK = 2
_NAMES = 255
"""More labels than this go on in LABELS2, LABELS3, ...: a dimension of a parameter is one byte."""
_FRAMES_AT_ONCE = 500

_MOST_EVENTS = 8 * _NAMES
"""The parameter section is limited to 127.5 kB."""

Parameter = tuple[str, bytes]
"""A name and what follows the offset: type, dimensions, data."""


class Event(NamedTuple):
    """Something that happens to a foot: ``Foot Strike`` or ``Foot Off``, the names that gait analysis has for them."""

    time: float  # [s] since the first frame
    name: str
    side: str
    person: int


def write(result: Result, path: Path) -> None:
    """Write ``path``.

    Raises:
        OutputError: There are more points than the format can count.
        VideoPose3DError: The result has no 3D stage.
    """
    poses = lifted(result)
    names = markers(poses.skeleton.joints, result.people)
    if len(names) > MOST:
        raise OutputError(f"{len(names)} points are more than C3D can hold", where=path, fix="Use .npz or .csv.")
    points = upright(result)
    frames, rate = result.keypoints.frames, float(result.fps)
    events = list(_events(result))[:_MOST_EVENTS]
    blocks = len(_parameters(names, frames, rate, 0, events)) // BLOCK
    data_block = _FIRST_PARAMETER_BLOCK + blocks
    with replacing(path) as partial, partial.open("wb") as file:
        file.write(_header(len(names), frames, rate, data_block))
        file.write(_parameters(names, frames, rate, data_block, events))
        for start in range(0, frames, _FRAMES_AT_ONCE):
            file.write(_floats(points[:, start : start + _FRAMES_AT_ONCE]))
        file.write(bytes(-file.tell() % BLOCK))


def _header(points: int, frames: int, rate: float, data_block: int) -> bytes:
    last = min(frames, MOST)
    words = pack("<BBHHHHHfHHf", _FIRST_PARAMETER_BLOCK, _MAGIC, points, 0, 1, last, 0, _FLOATS, data_block, 0, rate)
    labels = pack("<HH", _EVENT_LABELS, 0)  # words 150 and 151: labels of 4 letters, no events
    return (words.ljust(149 * 2, b"\0") + labels).ljust(BLOCK, b"\0")


def _events(result: Result) -> Iterator[Event]:
    """When feet come down and leave the ground, in their order; a stance that the clip cuts off has one end only."""
    found: list[Event] = []
    for person in range(result.people):
        for foot, spans in stances(result, person).items():
            for start, end in spans:
                ends = [("Foot Strike", start, 0), ("Foot Off", end, result.keypoints.frames)]
                whole = [(name, frame) for name, frame, edge in ends if frame != edge]
                found += [Event(float(frame / result.fps), name, foot.title(), person) for name, frame in whole]
    yield from sorted(found, key=lambda event: event.time)


def _parameters(names: list[str], frames: int, rate: float, data_block: int, events: list[Event]) -> bytes:
    """The parameter section, filled up to whole blocks; its length does not depend on the values."""
    point = [
        ("USED", _words(len(names))),
        ("SCALE", _real(_FLOATS)),
        ("RATE", _real(rate)),
        ("DATA_START", _words(data_block)),
        ("FRAMES", _words(min(frames, MOST))),
        ("UNITS", _text("mm")),
        ("X_SCREEN", _text("+X")),
        ("Y_SCREEN", _text("+Y")),
    ]
    for start in range(0, max(len(names), 1), _NAMES):
        number = str(start // _NAMES + 1) if start else ""
        point.append((f"LABELS{number}", _texts(names[start : start + _NAMES])))
        point.append((f"DESCRIPTIONS{number}", _texts([""] * len(names[start : start + _NAMES]))))
    trial = [
        ("ACTUAL_START_FIELD", _words(1, 0)),
        ("ACTUAL_END_FIELD", _words(frames % 65536, frames // 65536)),
        ("CAMERA_RATE", _real(rate)),
    ]
    analog = [("USED", _words(0)), ("GEN_SCALE", _real(1.0)), ("RATE", _real(0.0))]
    maker = [("SOFTWARE", _text("videopose3d")), ("VERSION_LABEL", _text(__version__))]
    groups = [
        ("POINT", AXES, point),
        ("TRIAL", "", trial),
        ("ANALOG", "", analog),
        ("FORCE_PLATFORM", "", [("USED", _words(0))]),
        ("MANUFACTURER", "", maker),
        *([("EVENT", "Feet on the ground", _event_parameters(events))] if events else []),
    ]
    body = b"".join(_group(number, *group) for number, group in enumerate(groups, 1))
    blocks = (4 + len(body) + 2 + BLOCK - 1) // BLOCK  # the section ends with an empty name, two zero bytes
    return (pack("<BBBB", 1, _MAGIC, blocks, _INTEL) + body).ljust(blocks * BLOCK, b"\0")


def _event_parameters(events: list[Event]) -> list[Parameter]:
    parameters = [("USED", _words(len(events)))]
    for start in range(0, len(events), _NAMES):
        number, some = (str(start // _NAMES + 1) if start else ""), events[start : start + _NAMES]
        times = [part for event in some for part in divmod(event.time, 60.0)]
        parameters += [
            (f"CONTEXTS{number}", _texts([event.side for event in some])),
            (f"LABELS{number}", _texts([event.name for event in some])),
            (f"SUBJECTS{number}", _texts([f"Person {event.person + 1}" for event in some])),
            (f"TIMES{number}", pack(f"<bBBB{len(times)}f", 4, 2, 2, len(some), *times)),
        ]
    return parameters


def _group(number: int, name: str, description: str, parameters: list[Parameter]) -> bytes:
    entries = [_entry(name, -number, b"", description)]
    return b"".join(entries + [_entry(key, number, value, "") for key, value in parameters])


def _entry(name: str, number: int, value: bytes, description: str) -> bytes:
    """A group (negative number) or a parameter of one: name, way to the next entry, value, description."""
    rest = value + pack("<B", len(description)) + description.encode("ascii")
    return pack("<bb", len(name), number) + name.encode("ascii") + pack("<h", 2 + len(rest)) + rest


def _words(*values: int) -> bytes:
    dimensions = pack("<BB", 1, len(values)) if len(values) > 1 else pack("<B", 0)
    return pack("<b", 2) + dimensions + pack(f"<{len(values)}H", *values)


def _real(value: float) -> bytes:
    return pack("<bBf", 4, 0, value)


def _text(value: str) -> bytes:
    return pack("<bBB", -1, 1, len(value)) + value.encode("ascii")


def _texts(values: list[str]) -> bytes:
    width = max((len(value) for value in values), default=0)
    cells = "".join(value.ljust(width) for value in values)
    return pack("<bBBB", -1, 2, width, len(values)) + cells.encode("ascii")


def _floats(points: Array) -> bytes:
    """Frames of (P, T, J, 3) [m] as the file holds them: x, y, z [mm] and residual of every point."""
    known = np.isfinite(points).all(-1, keepdims=True)
    values = np.concatenate([np.where(known, points * 1000.0, 0.0), np.where(known, 0.0, -1.0)], -1)
    return bytes(values.swapaxes(0, 1).astype("<f4").tobytes())
