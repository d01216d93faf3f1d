"""Downloading published weights into the cache: resumed where it stopped, checked, and made ours."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from videopose3d.errors import OutputError, WeightsError
from videopose3d.files import replacing
from videopose3d.weights.importing import Imported, import_checkpoint
from videopose3d.weights.manifest import Published
from videopose3d.weights.store import SUFFIX, cache_folder, file_hash, hash_file

Progress = Callable[[int, int | None], None]
_TIMEOUT = 30.0  # [s] without an answer
_BLOCK = 1 << 18  # [bytes]


class Offer(Protocol):
    """A file that somebody offers for download.

    Attributes:
        url: Where it is.
        sha256: First hexadecimal digits of its hash; empty where none is published.
    """

    @property
    def url(self) -> str: ...  # noqa: D102

    @property
    def sha256(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class Pulled:
    """Where a pulled lifter is; how it was made, None where it was there already."""

    path: Path
    imported: Imported | None


def pull(
    lifter: Published, output: Path | None = None, *, again: bool = False, progress: Progress | None = None
) -> Pulled:
    """Have a published lifter as weights of ours; nothing is downloaded that is in the cache.

    Args:
        lifter: From the manifest.
        output: The .safetensors file; by default in the cache, where its name finds it.
        again: Make it once more, although it is there.
        progress: Called with bytes so far and altogether.

    Raises:
        WeightsError: The download failed or is not what was published.
        OutputError: The file is there already and ``output`` names it, or it cannot be written.
    """
    target = output or cache_folder() / f"{lifter.name}{SUFFIX}"
    if target.exists() and not again:
        if output:
            raise OutputError("the file exists already", where=output, fix="Give --overwrite to replace it.")
        return Pulled(target, None)
    source = cache_folder() / lifter.file
    by_hand = source.exists()
    if not by_hand:
        download(lifter, source, progress)
    _check_hash(lifter, source, "Delete it and pull again." if by_hand else None)
    try:
        imported = import_checkpoint(source, target)
    except WeightsError:
        if not by_hand:
            source.unlink()
        raise
    if not output:
        with replacing(hash_file(target)) as partial:
            partial.write_text(f"{file_hash(target)}  {target.name}\n", encoding="ascii")
    return Pulled(target, imported)


def download(offer: Offer, target: Path, progress: Progress | None = None) -> None:
    """Load a file to ``target``; what an earlier try left in TARGET.part is kept and continued.

    Raises:
        WeightsError: There is no way to the server, it does not have the file, or the hash is wrong.
        OutputError: The folder cannot be written.
    """
    partial = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("ab"):
            pass
    except OSError as error:
        raise OutputError(
            f"cannot write here ({error.strerror})", where=partial, fix="Set VIDEOPOSE3D_CACHE to another folder."
        ) from error
    by_hand = f"put the file at {target} by hand and repeat the command."
    try:
        _fetch(offer.url, partial, progress)
    except urllib.error.HTTPError as error:
        error.close()
        _remove_if_empty(partial)
        raise WeightsError(
            f"the server says {error.code} {error.reason}", where=offer.url, fix=f"If you have it, {by_hand}"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        _remove_if_empty(partial)
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise WeightsError(
            f"cannot be downloaded ({' '.join(str(reason).split())})",
            where=offer.url,
            fix=f"Try again (it goes on where it stopped), or {by_hand}",
        ) from error
    _check_hash(offer, partial, None)
    partial.replace(target)


def _fetch(url: str, partial: Path, progress: Progress | None) -> None:
    have = partial.stat().st_size
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310
    try:
        answer = urllib.request.urlopen(request, timeout=_TIMEOUT)  # noqa: S310 - the manifest has https only
    except urllib.error.HTTPError as error:
        if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        error.close()
        if error.headers.get("Content-Range") == f"bytes */{have}":
            return  # all of it is here
        partial.write_bytes(b"")
        answer = urllib.request.urlopen(url, timeout=_TIMEOUT)  # noqa: S310
    with answer:
        if answer.headers.get_content_type() == "text/html":
            raise OSError("the server sent a web page")
        start, total = _extent(answer, have)
        with partial.open("r+b") as file:
            file.truncate(start)
            file.seek(start)
            while block := answer.read(_BLOCK):
                file.write(block)
                if progress:
                    progress(file.tell(), total)
            if total is not None and file.tell() < total:
                raise OSError(f"the connection ended after {file.tell()} of {total} bytes")


def _extent(answer: Any, have: int) -> tuple[int, int | None]:
    """Where in the file the answer starts, and how long the file is."""
    length = answer.headers.get("Content-Length")
    start = 0
    if answer.status == http.client.PARTIAL_CONTENT:
        if not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            raise OSError("the server sent another part than the one asked for")
        start = have
    return start, start + int(length) if length and length.isdigit() else None


def _check_hash(offer: Offer, path: Path, fix: str | None) -> None:
    """Refuse a file of another hash; without a ``fix`` of the user's it was downloaded, and goes."""
    if offer.sha256 and not (digest := file_hash(path)).startswith(offer.sha256):
        if fix is None:
            path.unlink()
        raise WeightsError(
            f"its hash starts with {digest[:8]} instead of {offer.sha256}; it is damaged or another file",
            where=path,
            fix=fix or "It was removed; pull again.",
        )


def _remove_if_empty(path: Path) -> None:
    if not path.stat().st_size:
        path.unlink()
