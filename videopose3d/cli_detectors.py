"""The ``detectors`` command: what finds people here, and what the others need."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from videopose3d.cli_jobs import reported
from videopose3d.cli_options import HELP, json_option

if TYPE_CHECKING:
    from videopose3d.detectors.listing import Choice


@click.command(context_settings=HELP)
@json_option
def detectors(as_json: bool) -> None:
    """What --detector takes, which of it works on this machine, and what the rest needs.

    \b
    videopose3d detectors
    videopose3d infer clip.mp4 --detector torchvision
    videopose3d infer clip.mp4 --detector mask_rcnn+cpn

    BOXES+KEYPOINTS joins what finds people and what finds the joints in their boxes. mask_rcnn, faster_rcnn and
    keypoint_rcnn are the best of their kind in Detectron2, or in torchvision where Detectron2 is not installed.
    Weights are downloaded only when you say so: videopose3d weights pull NAME. AP is that on COCO val2017.
    """
    with reported():
        from videopose3d.detectors.listing import choices

        found = choices()
        if as_json:
            click.echo(json.dumps([one.values() for one in found]))
            return
        for group in dict.fromkeys((one.group, one.licence) for one in found):
            _print([one for one in found if (one.group, one.licence) == group])


def _print(group: Sequence[Choice]) -> None:
    """The choices of one library; what all of them need is told once."""
    first = group[0]
    click.echo(f"{first.group}  ({first.licence})")
    needs = {one.needs for one in group}
    shared = len(needs) == 1 and not first.usable and not first.to_pull
    if shared:
        click.echo(f"  not usable: {first.needs}")
    width = max(len(one.name) for one in group)
    for one in group:
        state = "usable" if one.usable else "to pull" if one.to_pull else "-"
        click.echo(f"  {one.name:{width}}  {state:7}  {one.accuracy}")
        if not (one.usable or one.to_pull or shared):
            click.echo(f"  {'':{width}}  {one.needs}")
