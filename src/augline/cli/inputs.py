"""What the commands take: a folder of pictures, and a file that says what may happen to them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

import augline as al
from augline.sources import from_config
from augline.spec import load_spec

FolderPath = Annotated[
    Path | None,
    typer.Argument(
        help="Pictures in a folder; sub-folders are classes. May be left out where --spec names a source.",
        show_default=False,
    ),
]
SpecPath = Annotated[
    Path | None,
    typer.Option("--spec", "-s", help="YAML that Pipeline.to_yaml() wrote, or you. Default: six usual transforms."),
]
Label = Annotated[
    str | None,
    typer.Option(help=r"Labels out of the file names instead: a pattern with one group, such as '(\w+)_\d+'."),
]

SIZE = (224, 224)


def usual() -> list[al.Transform]:
    """What is shown where nothing else is asked for."""
    return [
        al.RandomFlip("horizontal"),
        al.RandomRotation(20 / 360),
        al.RandomZoom(0.2),
        al.RandomTranslation(0.1, 0.1),
        al.RandomBrightness(0.2),
        al.RandomContrast(0.2),
    ]


def pipeline(folder: Path | None, spec: Path | None, label: str | None, **settings: Any) -> al.Pipeline:
    """The pipeline of a command line.

    Args:
        folder: Instead of the source that the spec names; what else the spec says of a folder holds for it too.
        spec: The file.
        label: Pattern for labels out of file names.
        settings: Keyword arguments of Pipeline, over those of the spec.
    """
    described: dict[str, Any] = {"transforms": usual(), "size": SIZE} if spec is None else load_spec(spec)
    source = open_source(folder, described.pop("source", None), label)
    return al.Pipeline(source, described.pop("transforms"), **(described | settings))


def open_source(folder: Path | None, config: dict[str, Any] | None, label: str | None) -> al.Source:
    """The folder, read as the source that a spec names says where it is one; without a folder that source."""
    if folder is None and config is None:
        raise typer.BadParameter("give a folder of pictures, or a --spec that names a source.", param_hint="FOLDER")
    return from_config(config) if folder is None and config else open_folder(str(folder), label, config)


def open_folder(folder: str, label: str | None = None, config: dict[str, Any] | None = None) -> al.Folder:
    """A folder of classes, or one without sub-folders as images without labels.

    Args:
        folder: The path.
        label: Pattern for labels out of file names.
        config: Of a source in a spec: the other arguments of a Folder there are kept, but for its classes.
    """
    arguments = dict((config or {}).get("Folder", {}))
    for name in ("path", "class_names"):
        arguments.pop(name, None)
    if label is not None:
        arguments["label"] = label
    if arguments.get("label") is None and Path(folder).is_dir() and not _has_folders(folder):
        arguments |= {"label_mode": None, "label": None}
    return al.Folder(folder, **arguments)


def _has_folders(folder: str) -> bool:
    with os.scandir(folder) as entries:
        return any(entry.is_dir() and not entry.name.startswith(".") for entry in entries)
