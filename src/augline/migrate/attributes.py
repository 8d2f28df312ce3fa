"""What is read off an iterator of Keras's, said of a Pipeline."""

from __future__ import annotations

import libcst as cst

from augline.migrate.arguments import Arguments
from augline.migrate.notes import Unclear
from augline.migrate.rules import ATTRIBUTES, CHANNELS, CLASS_ATTRIBUTES
from augline.migrate.script import Script


def attribute(script: Script, args: Arguments, method: str, node: cst.Attribute) -> str:
    """`iterator.name` as an expression on the pipeline of the same name.

    Raises:
        Unclear: There is none.
    """
    name, owner = node.attr.value, script.source(node.value)
    source = f"{owner}.source"
    folder = f"{source}.path" if args.value("subset") is None else f"{source}.source.path"
    mode = args.known("class_mode", "categorical") if method != "flow" else None
    if mode is None and args.value("classes") is not None:  # see flow_sources: the folder is one further down
        folder = f"{script.module_name('os')}.path.dirname({folder})"
    if name == "directory" and method == "flow_from_directory":
        return folder
    if name == "filenames" and method != "flow":
        root = folder if method == "flow_from_directory" else _root(script, args, node)
        return _names(script, source, root)
    if name == "image_shape" and method != "flow":
        return f"(*{owner}.size, {CHANNELS[args.known('color_mode', 'rgb')]})"
    if name == "labels" and mode in ("raw", "other"):
        return f"{source}.targets.labels"
    unknown = mode in ("raw", "other") or (mode is None and not _is_whole(args, method))
    if name not in ATTRIBUTES or (name in CLASS_ATTRIBUTES and unknown):
        raise Unclear(f".{name} on line {script.line(node)} has no counterpart in a Pipeline")
    if name in CLASS_ATTRIBUTES and mode is None:
        source = f"{script.al}.Folder({folder})"
    return ATTRIBUTES[name].format(name=owner, source=source)


def _is_whole(args: Arguments, method: str) -> bool:
    """Whether a folder without labels is read whole, so that a Folder with labels has its classes."""
    return method == "flow_from_directory" and args.value("subset") is None and args.value("classes") is None


def _names(script: Script, source: str, root: str | None) -> str:
    """The names of the files as Keras has them: without the folder."""
    path = f"{source}.name(i)"
    shown = path if root is None else f"{script.module_name('os')}.path.relpath({path}, {root})"
    return f"[{shown} for i in range(len({source}))]"


def _root(script: Script, args: Arguments, node: cst.Attribute) -> str | None:
    """The folder of a table's files, where it means the same at the place that asks."""
    if args.value("directory") is None:
        return None
    if not script.means_the_same(args.given["directory"], node):
        raise Unclear(f".{node.attr.value} on line {script.line(node)}: the folder may be another by then")
    return args.code("directory")
