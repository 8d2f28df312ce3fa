"""Writes docs/transforms.md, from the code and from the data that the tests run on, and the names in docs/habits.md.

python docs/generate.py            writes them
python docs/generate.py --check    fails if they are not what it would write
"""

from __future__ import annotations

import argparse
import inspect
import sys
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from augline import engines
from augline.names import NAMES
from augline.plan import Call, Drop, Erase, Extent, Frame, Rescale, Stage, Warp, Whiten, Whitening
from augline.plan.mix import Mix
from augline.random import Draw
from augline.sight import Known, Sight
from augline.transforms import TRANSFORMS, Transform, ZCAWhitening
from augline.transforms.base import expand
from augline.transforms.compose import OneOf, Sequential, SomeOf

HERE = Path(__file__).resolve().parent
TARGET = HERE / "transforms.md"
HABITS = HERE / "habits.md"
MARK, END = "<!-- names: written by docs/generate.py -->\n", "<!-- end -->"
TESTS = HERE.parent / "tests"

GROUPS = {
    "geometric": "Moving pixels", "sizing": "Sizes and crops",
    "target_crops": "Crops that look at the targets", "canvas": "The frame around the picture",
    "distortion": "Bending", "colour": "Brightness, contrast, colour", "enhance": "Jitters and measured contrast",
    "filters": "Filters, noise, compression", "cutting": "Holes", "mix": "Mixing samples",
    "policies": "Policies", "compose": "Choices", "own": "Functions of your own", "values": "Values that come out",
    "whitening": "Whitening",
}  # fmt: skip
"""Module of `augline.transforms`, and its heading, in the order of the page."""

KERAS_LAYERS = frozenset({
    "AugMix", "AutoContrast", "CenterCrop", "CutMix", "Equalization", "MixUp", "RandAugment", "RandomBrightness",
    "RandomColorDegeneration", "RandomColorJitter", "RandomContrast", "RandomCrop", "RandomElasticTransform",
    "RandomErasing", "RandomFlip", "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert",
    "RandomPerspective", "RandomPosterization", "RandomRotation", "RandomSaturation", "RandomSharpness", "RandomShear",
    "RandomTranslation", "RandomZoom", "Rescaling", "Resizing", "Solarization",
})  # fmt: skip
"""Keras's image layers that augline has under the same name; a test compares with the installed Keras."""

HOLDS_OTHERS = (Sequential, OneOf, SomeOf)
SIZE = (41, 67)

HEAD = """\
# Transforms

Written by `make docs` from the code, from the conformance cases and from the files of stated differences; do not edit.

- **Stages**: what a transform [lowers to](#stage-kinds), and so what can [fuse](guide.md#fusion).
- **Image**: `reference` defines what is right. Other engines may stray from it on 8-bit images by at most so many of
  256 levels (on average so many), on 16 bits and floats by so many; "exact" is bit for bit. Work of several kinds has
  several numbers. The cases are in `tests/conformance/cases.py`, numbers and reasons in
  `tests/conformance/divergences.toml`.
- **Masks** take the nearest label where they move; where an engine may take a neighbour's, the table says how often.
- **Boxes and keypoints** move through the same geometry, by numbers that depend on no engine. Polygons go with the
  boxes; further images (`extra_images`) and the frames of a video are images of the same plan.
- An engine that lacks a stage has no such transform ("-"); a pipeline on it is refused when it is built.
- **Keras**: whether Keras has a layer of this name; names, order and meaning of arguments are then Keras's, but for
  what stands [below](#where-augline-differs-from-keras).
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say whether the page is up to date")
    check = parser.parse_args().check
    for target, text in ((TARGET, page()), (HABITS, habits())):
        if check and (not target.exists() or target.read_text() != text):
            sys.exit(f"{target.name} is out of date. Run: python docs/generate.py (or make docs)")
        if not check:
            target.write_text(text)
        print(f"{target} {'is up to date' if check else 'written'}")


def habits() -> str:
    before, rest = HABITS.read_text().split(MARK)
    rows = [(f"`{theirs}`", library, f"`{ours}`") for library, names in NAMES.items() for theirs, ours in names.items()]
    return before + MARK + table(["there", "of", "here, for example"], rows) + END + rest.split(END)[1]


def page() -> str:
    parts = [HEAD]
    modules = {cls.__module__.rpartition(".")[2] for cls in TRANSFORMS.values()}
    if missing := modules - {*GROUPS}:
        sys.exit(f"GROUPS in {__file__} lacks {', '.join(missing)}")
    differences = keras_differences()
    for module, title in GROUPS.items():
        names = [name for name, cls in TRANSFORMS.items() if cls.__module__ == f"augline.transforms.{module}"]
        rows = [row(name, differences) for name in names]
        heads = ["Transform", "Stages", "Image: reference", *(f"Image: {e}" for e in others()), "Masks",
                 "Boxes", "Keypoints", "Keras"]  # fmt: skip
        parts.append(f"## {title}\n\n{table(heads, rows)}")
    parts += [stage_kinds(), keras_section(differences)]
    return "\n".join(parts)


def row(name: str, differences: dict[str, list[dict[str, str]]]) -> list[str]:
    cls = TRANSFORMS[name]
    what = f"**`{name}`**<br>{summary(cls)}"
    keras = f"[but]({anchor(name)})" if name in differences else "yes"
    keras = keras if name in KERAS_LAYERS else ""
    if issubclass(cls, HOLDS_OTHERS):
        return [what, *["as what it holds"] * (5 + len(others())), keras]
    stages = [stage for item, channels in probes(name) for stage in lowered(item, channels)]
    kinds = list(dict.fromkeys(type(stage).__name__ for stage in stages))
    tolerances = [tolerance(engine, name) if runs(engine, stages) else "-" for engine in others()]
    return [what, ", ".join(kinds), "defines", *tolerances, *targets_of(stages), keras]


def targets_of(stages: Sequence[Stage]) -> tuple[str, str, str]:
    """What becomes of masks, of boxes, and of keypoints."""
    if any(isinstance(stage, Mix) for stage in stages):
        return "mixed", "those of all that show", "in [blocks](guide.md#mixing-samples), one per image"
    if any(isinstance(stage, Call) for stage in stages):
        return "through it if `spatial`", *["through `points` if `spatial`"] * 2
    warps = [stage for stage in stages if isinstance(stage, Warp) and stage.moves]
    holes = any(isinstance(stage, Erase) for stage in stages)
    masks = ["move"] * bool(warps) + ["stay, or `mask_fill_value`"] * holes or ["stay"]
    if any(warp.resamples for warp in warps):
        masks += [f"{engine}: {stated(engine, 'nearest')}" for engine in others() if runs(engine, warps)]
    boxes = "those of no use are dropped" if any(isinstance(stage, Drop) for stage in stages) else ""
    moved = "move" if warps else "stay"
    if holes:
        return "<br>".join(masks), "shrink to what is left", "stay, with visibility 0 under a hole"
    return "<br>".join(masks), "; ".join(filter(None, (moved, boxes))), moved


def runs(engine: str, stages: Sequence[Stage]) -> bool:
    """Whether an engine has all these stages."""
    elsewhere = (Mix, Drop, Rescale)  # see `stage_kinds`
    return all(isinstance(stage, elsewhere) or type(stage) in engines.stages(engine) for stage in stages)


def probes(name: str) -> list[tuple[Transform, int]]:
    """The transform with the arguments of the conformance cases, and a number of channels it takes."""
    found = [
        (item, 3 if 3 in case.channels else case.channels[0])
        for case in cases()
        for item in flat(case.transforms)
        if type(item) is TRANSFORMS[name]
    ]
    return found or [(ZCAWhitening("zca.npz") if name == "ZCAWhitening" else TRANSFORMS[name](), 3)]


def lowered(item: Transform, channels: int) -> tuple[Stage, ...]:
    if isinstance(item, ZCAWhitening):  # its file is fitted to a data set
        return (Whiten(Whitening(np.zeros(1), np.zeros((1, 1)))),)
    frame = Frame(np, Extent.of(np, 2, *SIZE), channels, (255.0,), (0.0,), "uint8")
    sight = Sight(Known.imaginary(("boxes", "masks"), np.asarray([SIZE, SIZE])), frame, frame.extent)
    return expand([item], Draw(0, 0, np.arange(2)), frame.with_(sight=sight)).stages


def tolerance(engine: str, name: str) -> str:
    """How far an engine may stray, for each kind of work that cases of this transform alone do."""
    alone = [c.kind for c in cases() if {type(item) for item in flat(c.transforms)} == {TRANSFORMS[name]}]
    kinds = list(dict.fromkeys(alone or [c.kind for c in cases() if TRANSFORMS[name] in map(type, flat(c.transforms))]))
    if not kinds:
        return "the same code"
    texts = {kind: stated(engine, kind) for kind in kinds}
    if len({*texts.values()}) == 1:
        return texts[kinds[0]]
    return "<br>".join(f"{kind}: {text}" for kind, text in texts.items())


def stated(engine: str, kind: str) -> str:
    rows = {d: r for r in divergences() if r["engine"] == engine and r["kind"] == kind for d in r["dtypes"]}
    texts = [amount(rows.get(dtype)) for dtype in ("uint8", "uint16", "float32")]
    later = texts[1] if texts[1] == texts[2] else f"{texts[1]}, {texts[2]}"
    return texts[0] if texts[0] == later else f"{texts[0]}; 16 bit, float: {later}"


def amount(entry: dict[str, Any] | None) -> str:
    if entry is None:
        return "exact"
    if entry["max"] == 255 and entry["share"] < 0.1:
        return f"{entry['share']:.1%} of pixels take a neighbour"
    return f"{entry['max']:g} ({entry['mean']:g})"


def stage_kinds() -> str:
    used = {type(s) for name in TRANSFORMS if not issubclass(TRANSFORMS[name], HOLDS_OTHERS)
            for item, channels in probes(name) for s in lowered(item, channels)}  # fmt: skip
    rows = []
    for kind in sorted(used, key=lambda kind: kind.__name__):
        have = [kind in engines.stages(engine) or kind in (Mix, Drop, Rescale) for engine in every()]
        rows.append([f"`{kind.__name__}`", summary(kind), *("yes" if has else "no" for has in have)])
    text = (
        "An engine is one function per stage kind. `Mix` works between plans, `Rescale` in the last step of each, and "
        "`Drop` on boxes.\n"
    )
    return f"## Stage kinds\n\n{text}\n{table(['Kind', 'What it does', *every()], rows)}"


def keras_section(differences: dict[str, list[dict[str, str]]]) -> str:
    lines = ["## Where augline differs from Keras", "",
             "Each is checked against the installed Keras by `tests/oracles/test_keras.py`.", ""]  # fmt: skip
    for name, entries in sorted(differences.items(), key=lambda item: (item[0] != "all", item[0])):
        title = "All" if name == "all" else name
        lines += [f"### {title} and Keras", ""]
        lines += [table(["Keras", "augline", "why"], [[e["keras"], e["augline"], e["reason"]] for e in entries])]
    return "\n".join(lines)


def keras_differences() -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for entry in tomllib.loads((HERE / "keras_divergences.toml").read_text())["divergence"]:
        for name in entry["transform"].split(", "):
            found.setdefault(name, []).append(entry)
    return found


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines) + "\n"


def summary(cls: type) -> str:
    """The first paragraph's first line."""
    return (inspect.getdoc(cls) or "").split("\n")[0]


def anchor(name: str) -> str:
    return f"#{name.lower()}-and-keras"


def flat(items: Iterable[Transform]) -> list[Transform]:
    """Transforms, and those inside them."""
    return [inner for item in items for inner in (item, *flat(getattr(item, "transforms", ())))]


def every() -> list[str]:
    return sorted(engines.ENGINES, key=lambda name: name != "reference")


def others() -> list[str]:
    return [name for name in every() if name != "reference"]


def cases() -> Sequence[Any]:
    if str(TESTS) not in sys.path:
        sys.path.insert(0, str(TESTS))
    from conformance.cases import AIMED, CASES

    return CASES + AIMED


def divergences() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = tomllib.loads((TESTS / "conformance" / "divergences.toml").read_text())["divergence"]
    return rows


if __name__ == "__main__":
    main()
