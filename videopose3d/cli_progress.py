"""Progress on stderr: one living line with the time left on a terminal, a quiet line now and then in a log."""

from __future__ import annotations

import sys
from time import monotonic
from typing import TextIO

_REDRAW = 0.1  # s
_LOG_EVERY = 15.0  # s
_BAR = 24  # characters


class ProgressPrinter:
    """Give it to a pipeline as ``progress``; call `close` at the end of a stage's work.

    Args:
        label: What is being worked on, in front of every line.
        stream: Where to print; a terminal gets a bar.
        quiet: Print nothing.
        unit: What is counted.
    """

    def __init__(self, label: str, stream: TextIO | None = None, quiet: bool = False, unit: str = "frames") -> None:
        self._unit, self._note = unit, ""
        self._label, self._stream, self._quiet = label, stream or sys.stderr, quiet
        self._live = self._stream.isatty()
        self._stage, self._started, self._reached, self._shown = "", 0.0, 0.0, 0.0
        self._last = (0, None)  # type: tuple[int, int | None]

    def __call__(self, stage: str, done: int, total: int | None, note: str = "") -> None:
        """Note that ``done`` of ``total`` frames of a stage are finished; ``note`` ends the line."""
        self._note = note
        if self._quiet:
            return
        now = monotonic()
        if stage != self._stage:
            self.close()
            self._stage, self._started = stage, now
            self._shown = 0.0 if self._live else now
        self._last, self._reached = (done, total), now
        if now - self._shown >= (_REDRAW if self._live else _LOG_EVERY):
            self._shown = now
            self._print(self._line(done, total, now), living=self._live)

    def close(self, finished: bool = True) -> None:
        """End the current stage with a line that says how long it took, or how far it came, if it came anywhere."""
        if self._stage and not self._quiet and not finished and not self._last[0]:
            self._print("", living=True)
        elif self._stage and not self._quiet:
            seconds = self._reached - self._started
            done = self._last[0]
            unit = self._unit.removesuffix("s") if done == 1 else self._unit
            rate = f", {_rate(done / seconds)} {self._unit}/s" if seconds > 0.5 else ""
            verb = "" if finished else "stopped after "
            self._print(f"{self._label}: {self._stage} {verb}{done} {unit} in {seconds:.1f} s{rate}", living=False)
        self._stage = ""

    def _line(self, done: int, total: int | None, now: float) -> str:
        head = f"{self._label}: {self._stage} "
        if not total:
            return f"{head}{done} {self._unit}"
        share = min(done / total, 1.0)
        left = f"{_clock((now - self._started) * (1 - share) / share)} left  " if share > 0 else ""
        bar = "█" * round(share * _BAR) + "·" * (_BAR - round(share * _BAR)) + " " if self._live else ""
        return f"{head}{bar}{100 * share:3.0f}%  {done}/{total}  {left}{self._note}".rstrip()

    def _print(self, text: str, *, living: bool) -> None:
        erase = "\r\x1b[K" if self._live else ""
        self._stream.write(f"{erase}{text}" + ("" if living else "\n"))
        self._stream.flush()


def _rate(value: float) -> str:
    return f"{value:.0f}" if value >= 1 else f"{value:.2g}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
