"""The words in which a file is refused, and the size above which it is."""

from __future__ import annotations

from augline.errors import DecodeError

MAX_PIXELS = 178_956_970
"""Images of more pixels are refused before anything is allocated: half a gigabyte of RGB, as Pillow's own limit."""


def refusal(rule: str, received: str, fix: str) -> DecodeError:
    """The error for a file that cannot be read; the caller knows the file's name and adds it."""
    return DecodeError(f"decode(photo): {rule}. Received {received}. {fix}")


def check_size(height: int, width: int) -> None:
    """Refuse an empty or a monstrous image, from its header alone."""
    if height < 1 or width < 1:
        raise refusal("an image must have pixels", f"{width} x {height}", "Replace or remove the file.")
    if height * width > MAX_PIXELS:
        rule = f"an image may have up to {MAX_PIXELS:,} pixels"
        raise refusal(rule, f"{width} x {height}", "Shrink the file first, or cut it into tiles.")
