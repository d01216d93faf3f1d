"""What an evaluation found, as numbers and as the text of tables."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from math import isfinite, nan

METRICS = {
    "mpjpe": ("MPJPE", 1),
    "p_mpjpe": ("P-MPJPE", 1),
    "n_mpjpe": ("N-MPJPE", 1),
    "mpjve": ("MPJVE", 2),
    "acceleration": ("accel.", 2),
}
"""Field -> name in a table and decimals."""

UNITS = "mm; MPJVE in mm/frame, accel. in mm/frame^2. Avg. is the mean of the actions, whatever their length."

SHORT = {
    "Directions": "Dir.", "Discussion": "Disc.", "Eating": "Eat", "Greeting": "Greet", "Phoning": "Phone",
    "Photo": "Photo", "Posing": "Pose", "Purchases": "Purch.", "Sitting": "Sit", "SittingDown": "SitD.",
    "Smoking": "Smoke", "Waiting": "Wait", "WalkDog": "WalkD.", "Walking": "Walk", "WalkTogether": "WalkT.",
}  # fmt: skip
"""Actions of Human3.6M and their heads, in the order of the paper's tables."""

AVERAGE = "average"


@dataclass(frozen=True)
class ActionScore:
    """Errors of one action, every frame of every take and camera counted once.

    Attributes:
        action: Its name, or ``average``.
        frames: How many were judged.
        mpjpe, p_mpjpe, n_mpjpe: Protocols 1, 2 and 3 [mm].
        mpjve: Error of the velocity [mm/frame]; NaN where no take has two frames.
        acceleration: Error of the acceleration [mm/frame^2]; NaN where no take has three.
    """

    action: str
    frames: int
    mpjpe: float
    p_mpjpe: float
    n_mpjpe: float
    mpjve: float
    acceleration: float


@dataclass(frozen=True)
class ScoreTable:
    """Errors by action, of one subject or of all.

    Attributes:
        subject: Whose; empty for all together.
        rows: One per action; Human3.6M's in the paper's order, others in that of the files.
    """

    subject: str
    rows: tuple[ActionScore, ...]

    @property
    def average(self) -> ActionScore:
        """The unweighted mean over the actions."""
        means = {m: _mean([getattr(row, m) for row in self.rows]) for m in METRICS}
        return ActionScore(AVERAGE, sum(row.frames for row in self.rows), **means)


@dataclass(frozen=True)
class Scores:
    """What an evaluation found, and of what.

    Attributes:
        lifter: Name of the weights.
        dataset: Name of the data set.
        subjects: Who was judged.
        frames: F, the lifter's receptive field.
        causal: The lifter sees the past only.
        flip: Poses were averaged with those of the mirrored sequence.
        fps: Frame rate after downsampling [1/s].
        downsample, subset: Which frames were judged.
        overall: All subjects together.
        by_subject: Each of them.
        notes: What a reader has to know.
        source: The files of the data set.
    """

    lifter: str
    dataset: str
    subjects: tuple[str, ...]
    frames: int
    causal: bool
    flip: bool
    fps: float
    downsample: int
    subset: float
    overall: ScoreTable = field(repr=False)
    by_subject: tuple[ScoreTable, ...] = field(repr=False)
    notes: tuple[str, ...] = ()
    source: str = ""

    @property
    def average(self) -> ActionScore:
        """Errors of all subjects, averaged over the actions."""
        return self.overall.average

    def table(self, *, by_subject: bool = False, layout: str = "auto", width: int = 120) -> str:
        """The tables as text.

        Args:
            by_subject: One table per subject before that of all.
            layout: ``wide`` (actions as columns, as in the paper), ``tall`` (as rows), or ``auto``: wide where
                that fits.
            width: Characters in a line.
        """
        blocks = [self._head()]
        for table in (*(self.by_subject if by_subject else ()), self.overall):
            if by_subject:
                blocks.append(table.subject or "all subjects")
            blocks.append(_table_text(table, layout, width))
        data = [f"Data: {self.source}"] if self.source else []
        return "\n".join([*blocks, UNITS, *data, *self.notes])

    def _head(self) -> str:
        causal, flip = ", causal" if self.causal else "", "with" if self.flip else "without"
        return (
            f"{self.lifter} ({self.frames} frames{causal}) on {self.dataset}, {', '.join(self.subjects)}: "
            f"{self.average.frames:,} frames at {self.fps:g}/s, {flip} flip averaging"
        )

    def json(self) -> str:
        """Everything as JSON; numbers that do not exist are null."""
        content = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("overall", "by_subject")}
        content["overall"] = _plain(self.overall)
        content["by_subject"] = {table.subject: _plain(table) for table in self.by_subject}
        return json.dumps(content)

    def csv(self) -> str:
        """One line per subject and action, and the averages; full precision."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["subject", "action", "frames", *METRICS])
        for table in (self.overall, *self.by_subject):
            for row in (*table.rows, table.average):
                values = (getattr(row, m) for m in METRICS)
                numbers = (repr(value) if isfinite(value) else "" for value in values)
                writer.writerow([table.subject or "all", row.action, row.frames, *numbers])
        return text.getvalue()


def ordered(actions: Sequence[str]) -> list[str]:
    """Actions in the order of the paper's tables if it knows them all, else as they come."""
    return [a for a in SHORT if a in actions] if set(actions) <= set(SHORT) else list(actions)


def grid(heads: Sequence[str], lines: Sequence[tuple[str, Sequence[str]]], *, wide: bool) -> str:
    """Lines of cells under heads as text; not ``wide`` has the heads at the left and the lines as columns."""
    if not wide:
        labels, columns = zip(*lines, strict=True)
        heads, lines = labels, list(zip(heads, zip(*columns, strict=True), strict=True))
    first = max(len(label) for label, _ in lines)
    widths = [max(len(cell) for cell in column) for column in zip(heads, *(cells for _, cells in lines), strict=True)]
    table = [("", heads), *lines]
    return "\n".join(
        "  ".join([f"{label:{first}}", *(f"{cell:>{w}}" for cell, w in zip(cells, widths, strict=True))])
        for label, cells in table
    )


def reads_wide(text: str, layout: str, width: int) -> bool:
    """Whether a wide `grid` is the one to show: in the layout ``wide``, and in ``auto`` where it fits the width."""
    return layout == "wide" or (layout == "auto" and max(map(len, text.splitlines())) <= width)


def _table_text(table: ScoreTable, layout: str, width: int) -> str:
    rows = (*table.rows, table.average)
    heads = [SHORT.get(row.action, row.action) for row in table.rows] + ["Avg."]
    lines = [
        (name, [f"{getattr(row, metric):.{decimals}f}" for row in rows]) for metric, (name, decimals) in METRICS.items()
    ]
    text = grid(heads, lines, wide=True)
    if reads_wide(text, layout, width):
        return text
    return grid(heads, [("frames", [str(row.frames) for row in rows]), *lines], wide=False)


def _plain(table: ScoreTable) -> dict[str, object]:
    rows = [asdict(row) for row in (*table.rows, table.average)]
    clean = [{k: None if isinstance(v, float) and not isfinite(v) else v for k, v in row.items()} for row in rows]
    return {"actions": clean[:-1], "average": clean[-1]}


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if isfinite(value)]
    return sum(known) / len(known) if known else nan
