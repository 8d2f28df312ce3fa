"""An explanation as text for a terminal of 110 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from augline.explanation import Draws, Explanation, StageOf

WIDTH = 110
_READS = {
    "permutes": "every pixel once",
    "picks": "whole pixels of the frame",
    "inside": "between pixels of the frame",
    "anywhere": "anywhere",
}


def text(explanation: Explanation, width: int = WIDTH) -> str:
    """The whole of it, in lines of at most `width` (only matrices may be wider)."""
    header, after = explanation.header, explanation.after
    lines = [*_pipeline(header, width), "", *_sample(header), "", "Drawn for this sample"]
    lines += _table([(_name(row), _drawn(row)) for row in explanation.drawn], width)
    lines += ["", f"Stages as declared: {len(explanation.before)}"]
    lines += _table([(f"{n:>2} {stage.kind}", _origin(stage)) for n, stage in enumerate(explanation.before, 1)], width)
    lines += ["", f"Stages after fusion: {len(after) - 1}"]
    for number, stage in enumerate(after, 1):
        title = "Output" if stage.kind == "Output" else f"{number:>2} {stage.kind}"
        rows = [line for line in (_origin(stage), *_details(stage)) if line]
        lines += _table(zip([title] + [""] * len(rows), rows, strict=False), width, first=10)
    lines += [f"  {line}" for sentence in explanation.breaks for line in textwrap.wrap(sentence, width - 2)]
    return "\n".join(line.rstrip() for line in lines)


def short(value: Any) -> str:
    """A number to 4 digits, a list of them in brackets."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(short, value))}]"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _pipeline(header: dict[str, Any], width: int) -> list[str]:
    tall, wide = header["size"]
    facts = [f"{tall} x {wide} out", f"batches of {header['batch_size']}", f"seed {header['seed']}"]
    facts += [f"engine {header['engine']}", f"fingerprint {header['fingerprint'][:12]}"]
    return [*_wrapped(header["source"], "", width), *_wrapped(" · ".join(facts), "  ", width)]


def _sample(header: dict[str, Any]) -> list[str]:
    height, width, channels = header["read"]
    facts = [f"id {header['id']}", f"{height} x {width} x {channels} {header['dtype']}"]
    facts += [f"label {header['label']}"] * bool(header["label"])
    return [f"Sample {header['index']} in epoch {header['epoch']}: {header['name']}", f"  {' · '.join(facts)}"]


def _name(row: Draws) -> str:
    depth = row.path.count("/")
    return "  " * depth + row.path.rpartition("/")[2]


def _drawn(row: Draws) -> str:
    if not row.active:
        return "off"
    if not row.params:
        return "on" if "transforms=" in row.declared else f"as declared: {row.declared}"
    return "  ".join(f"{name}={short(value)}" for name, value in row.params.items())


def _origin(stage: StageOf) -> str:
    idle = " (leaves this sample as it is)" if stage.idle else ""
    return " + ".join(path.replace("/", " / ") for path in stage.origin) + idle


def _details(stage: StageOf) -> Iterable[str]:
    details = stage.details
    if stage.idle and stage.kind != "Warp":
        return
    if stage.kind == "Warp":
        yield from _warp(details)
    elif stage.kind == "Tone":
        for curve in details["curves"]:
            yield _curve(curve)
    elif stage.kind == "Colour":
        yield from _matrix("channels, 1 -> channels", details["matrix"])
    elif stage.kind == "Hsv":
        gains = (f"{name} x {short(details[name][0])} + {short(details[name][1])}" for name in ("saturation", "value"))
        yield f"hue + {short(details['hue'])} turns, {', '.join(gains)}"
    elif stage.kind not in ("Output", "Rescale"):
        yield "  ".join(f"{name}={short(value)}" for name, value in details.items())
    else:
        scale, offset = (short(v[0] if len(v) == 1 else v) for v in (details["scale"], details["offset"]))
        yield f"{details['dtype']} = {scale} x (0 to 1) + {offset}"


def _warp(details: dict[str, Any]) -> Iterable[str]:
    yield from _matrix("output pixel -> input pixel", details["matrix"])
    height, width = details["output"]
    facts = [f"{height} x {width} out", f"reads {_READS[details['reach']]}"]
    facts += [details["interpolation"]] if "interpolation" in details else []
    if "fill" in details:
        value = f" {short(list(details['fill_value']))}" if details["fill"] == "constant" else ""
        facts.append(f"fill {details['fill']}{value}")
    yield ", ".join(facts)
    if max(details.get("shrink", [1])) > 1:
        y, x = details["shrink"]
        decoder = details["decoder"]
        share = f", of which the JPEG decoder does {decoder} x {decoder}" if decoder > 1 else ""
        yield f"blocks of {y} x {x} pixels are averaged first{share}"


def _matrix(caption: str, rows: list[list[float]]) -> Iterable[str]:
    cells = [[f"{value:.4f}" for value in row] for row in rows]
    width = max(len(cell) for row in cells for cell in row)
    for number, row in enumerate(cells):
        yield f"{caption if number == 0 else '':<{len(caption)}}  [ {'  '.join(f'{c:>{width}}' for c in row)} ]"


def _curve(curve: dict[str, Any]) -> str:
    params = ", ".join(f"{name} {short(value)}" for name, value in curve["params"].items())
    measured = f", {curve['measure']} of the image" if curve["measure"] else ""
    off = "" if curve["active"] else ", off"
    return f"{curve['function']}({params}{measured}){off}"


def _table(rows: Iterable[tuple[str, str]], width: int, first: int = 0) -> list[str]:
    """Two columns, the second one wrapped."""
    rows = list(rows)
    first = max([first, *(len(name) for name, _ in rows)])
    lines = []
    for name, value in rows:
        head = f"  {name:<{first}}  "
        keeps = value.startswith((" ", "output", "channels"))  # matrices are aligned by their spaces
        lines += [head + value] if keeps else _wrapped(value, head, width)
    return lines


def _wrapped(value: str, head: str, width: int) -> list[str]:
    indent = " " * max(2, len(head))
    return textwrap.wrap(value, width, initial_indent=head, subsequent_indent=indent, break_on_hyphens=False) or [head]
