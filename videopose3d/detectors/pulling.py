"""Downloading what detectors need: ``weights pull NAME`` for networks that are no lifters."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from videopose3d.detectors.models import MODELS, Model, installed, is_published
from videopose3d.errors import WeightsError
from videopose3d.files import replacing
from videopose3d.weights.pull import Offer, Progress, download
from videopose3d.weights.store import cache_folder

if TYPE_CHECKING:
    from videopose3d.detectors.published import PublishedNetwork

_INSIDE = "end2end.onnx"
"""What the model is called in the archives of OpenMMLab."""


def find_offers(name: str) -> list[Model | PublishedNetwork]:
    """The files that a detector or keypoint network of this name needs; none where nobody offers it."""
    models = [model for model in MODELS if name in (model.label, model.name)]
    if models:
        return list(models)
    from videopose3d.detectors.crop_networks import SHORT
    from videopose3d.detectors.published import PUBLISHED

    network = PUBLISHED.get(SHORT.get(name, name).lower())
    return [network] if network else []


def pull_offer(offer: Model | PublishedNetwork, progress: Progress | None = None) -> Path:
    """The file of an offer, downloaded into the cache if it is not here.

    Raises:
        WeightsError: The download failed or is not what was published.
        OutputError: The cache cannot be written.
    """
    here = installed(offer) if isinstance(offer, Model) else cache_folder() / offer.file
    if here and here.is_file():
        return here
    target = cache_folder() / offer.file
    if not offer.url.endswith(".zip"):
        download(offer, target, progress)
        _check(offer, target)
        return target
    archive = target.with_name(offer.url.rpartition("/")[2])
    download(offer, archive, progress)
    _unpack(archive, target)
    return target


def _check(offer: Offer, path: Path) -> None:
    """Refuse, and remove, a file whose hash is of another kind than SHA-256 and wrong."""
    if isinstance(offer, Model) and not is_published(offer, path):
        path.unlink()
        raise WeightsError(
            f"its hash does not start with {offer.check.partition(':')[2]}; it is damaged or another file",
            where=path,
            fix="It was removed; pull again.",
        )


def _unpack(archive: Path, target: Path) -> None:
    """The one model of an archive, which is removed."""
    try:
        with zipfile.ZipFile(archive) as files:
            (inside,) = (name for name in files.namelist() if name.rpartition("/")[2] == _INSIDE)
            with replacing(target) as partial, files.open(inside) as source, open(partial, "wb") as sink:
                while block := source.read(1 << 20):
                    sink.write(block)
    except (zipfile.BadZipFile, EOFError, ValueError) as error:
        raise WeightsError(
            f"there is no {_INSIDE} in it, or it is damaged", where=archive, fix="It was removed; pull again."
        ) from error
    finally:
        archive.unlink()
