"""`augline pack`: pictures in a few large files, and smaller if wanted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

import augline as al
from augline.cli.inputs import FolderPath, Label, open_source
from augline.cli.report import console, need, progress
from augline.spec import load_spec


def pack(
    folder: FolderPath = None,
    output: Annotated[
        str, typer.Option("--output", "-o", help="How the files' names begin; may have a scheme, such as gs://.")
    ] = "packed/train",
    shortest: Annotated[
        int | None,
        typer.Option(min=1, help="Pixels of the shorter side that larger pictures come to.", show_default=False),
    ] = None,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of the JPEGs that --shortest makes.")] = 95,
    shards: Annotated[int, typer.Option(min=1, help="How many files.")] = 8,
    skip: Annotated[bool, typer.Option("--skip", help="Leave out files that cannot be read.")] = False,
    spec: Annotated[Path | None, typer.Option("--spec", "-s", help="YAML that names a source.")] = None,
    label: Label = None,
) -> None:
    """Write pictures, and what belongs to them, into a few TFRecord files, smaller if you wish.

    Network disks like few large files better than many small ones; and a picture that is made smaller on the way, with
    --shortest, need not be decoded in full size in every epoch.

    [bold]augline pack photos/ -o packed/train[/]                    bytes as they are

    [bold]augline pack photos/ -o packed/train --shortest 320[/]     for crops of 224
    """
    need("pack", "tensorflow", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    source = open_source(folder, None if spec is None else load_spec(spec).get("source"), label)
    screen, count = console(), min(shards, len(source))
    screen.print(repr(source), soft_wrap=True, markup=False)
    with progress("Packing", len(source)) as tick:
        paths = al.write_tfrecords(
            source, output, shards=count, shortest=shortest, quality=quality, on_error="skip" if skip else "raise",
            progress=tick,
        )  # fmt: skip
    labels = ", label_key=None" if source.targets.labels is None else ""
    screen.print(
        f"Wrote {paths[0]}{f' to {paths[-1]}' * (count > 1)}.\n"
        f"They are al.TFRecords({f'{output}-*-of-{count:05}.tfrecord'!r}{labels}).",
        soft_wrap=True, markup=False,
    )  # fmt: skip
