"""A JPEG cut short at the bottom: its upper rows, without the work for those below.

A sequential JPEG holds its rows from the top down. Where the header promises fewer of them, libjpeg decodes down to
there: the same rows as of the whole file, but for the last one, whose chroma is weighed with the row below. Then it
warns that the scan goes on. It tells its first warning only, so that one means that there was none above.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from augline.decode.header import FRAMES, SOS, Header, jpeg_segments

_HUFFMAN = frozenset({0xC0, 0xC1})  # baseline and extended sequential; each scan of a progressive file holds all rows
_SAVES = 16  # one row of so many, or the copy of the file is not worth it; and so many rows, which blocks are high
_GOES_ON = re.compile(r"extraneous bytes before marker 0xd[0-79]$")  # that of a restart, or of the image's end


def decodes(data: bytes, header: Header, rows: int, decode: Callable[[bytearray], object]) -> bool:
    """Whether the upper rows could be decoded by themselves.

    Args:
        data: A JPEG. What is wrong with it below the rows is not found, nor above if it is noticed there; with restart
            markers, not all that is wrong above.
        header: Its header.
        rows: How many, of the file's own; the last one may differ from that of the whole file.
        decode: Decodes a file with a header of so many rows; it raises libjpeg's first warning as a ValueError.
    """
    if header.orientation != 1 or rows + max(header.height // _SAVES, _SAVES) > header.height:
        return False
    frame = _frame(data)
    if frame is None or data[frame + 5 : frame + 9] != header.height.to_bytes(2) + header.width.to_bytes(2):
        return False
    short = bytearray(data)
    short[frame + 5 : frame + 7] = rows.to_bytes(2)
    try:
        decode(short)
    except ValueError as warning:
        return _GOES_ON.search(str(warning)) is not None
    return False  # the scan has no more rows than that, though the header promised them


def _frame(data: bytes) -> int | None:
    """Where the frame header lies; None unless one scan holds all components, from the top down."""
    frames = [(marker, at) for marker, at, _ in jpeg_segments(data) if marker in FRAMES or marker == SOS]
    if len(frames) != 2 or frames[0][0] not in _HUFFMAN:
        return None
    (_, frame), (_, scan) = frames
    return frame if data[scan + 4] == data[frame + 9] else None
