"""What stands in an annotation file of Pascal VOC."""

# ruff: noqa: PTH123
from __future__ import annotations

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from augline.errors import SourceError
from augline.sources.refusal import refusal

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_LIMIT = 10_000_000
"""Bytes that a file may have; those of VOC have some thousand."""


@dataclass(frozen=True)
class Sheet:
    """The objects of an image."""

    size: tuple[float, float]
    """(height, width); NaN where the file does not say."""
    names: tuple[str, ...]
    corners: NDArray[np.float64]
    """(n, 4): left, top, right, bottom, from edge to edge."""
    difficult: NDArray[np.bool_]


def read(owner: str, path: str) -> Sheet:
    """The objects in a file.

    Raises:
        SourceError: it cannot be read, or does not hold what VOC's files hold.
    """
    try:
        root = _parsed(path)
        objects = root.findall("object")
        names = tuple(_text(item, "name") for item in objects)
        corners = np.asarray([_corners(item) for item in objects], np.float64).reshape(-1, 4)
        difficult = np.asarray([(item.findtext("difficult") or "").strip() == "1" for item in objects], bool)
        return Sheet(_size(root), names, corners, difficult)
    except (OSError, ValueError, LookupError) as error:
        rule, fix = "every annotation must be a readable XML file of VOC's form", "Correct the file."
        raise refusal(SourceError, owner, rule, f"{path!r}: {error}", fix) from error


def _parsed(path: str) -> Element:
    """The root element. Entities could blow up or read other files: what declares a document type is refused."""
    from xml.etree import ElementTree

    with open(path, "rb") as file:
        data = file.read(_LIMIT + 1)
    if len(data) > _LIMIT:
        raise ValueError(f"more than {_LIMIT:,} bytes")
    text = data.decode(_encoding(data))  # as text: in UTF-16 a declaration could hide
    for word in ("<!DOCTYPE", "<!ENTITY"):
        if word in text:
            raise ValueError(f"{word}, which is not taken")
    try:
        return ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"no XML, {error}") from error


def _encoding(data: bytes) -> str:
    """The encoding that a file begins with or declares, by the names that annotation tools write; else UTF-8."""
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return "utf-16"
    declared = re.match(
        rb"<\?xml[^>]*?encoding\s*=\s*[\"'](iso-8859-\d+|windows-125\d|gb\w+|big5|shift_jis|euc-\w+)[\"']",
        data,
        re.IGNORECASE,
    )
    return declared[1].decode() if declared else "utf-8-sig"


def _text(element: Element, name: str) -> str:
    text = (element.findtext(name) or "").strip()
    if not text:
        raise ValueError(f"a {element.tag} without {name}")
    return text


def _corners(item: Element) -> tuple[float, float, float, float]:
    """VOC names the first and last pixel of each axis, counted from 1; here are their outer edges, counted from 0."""
    box = item.find("bndbox")
    if box is None:
        raise ValueError("an object without bndbox")
    left, top, right, bottom = (float(_text(box, name)) for name in ("xmin", "ymin", "xmax", "ymax"))
    return left - 1, top - 1, right, bottom


def _size(root: Element) -> tuple[float, float]:
    height, width = (float(root.findtext(f"size/{name}") or 0) for name in ("height", "width"))
    return (height, width) if height > 0 and width > 0 else (np.nan, np.nan)
