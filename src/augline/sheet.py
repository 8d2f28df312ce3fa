"""The layout of a contact sheet: pairs of pictures in columns, a caption under each, a title above."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

from augline.picture import Font, Picture, load_font

SIDE = 232
"""Pixels of a picture's longer side."""
GAP = 30
"""Between the original and what came of it; the arrow's place."""
MARGIN = 36
_BACKGROUND, _CARD, _RULE = (244, 244, 241), (255, 255, 255), (222, 222, 217)
_INK, _SOFT, _ARROW = (28, 30, 33), (105, 108, 112), (150, 153, 158)
_PAD = 14
_LEADING = 1.4

Cell = tuple[Picture, Picture, list[str]]
"""Original, augmented, and (name, class, draws)."""


def compose(cells: Sequence[Cell], columns: int, title: str, facts: str) -> Image.Image:
    """The sheet.

    Args:
        cells: In reading order.
        columns: Pairs side by side.
        title: The headline; long ones are wrapped.
        facts: The line under it.
    """
    large, bold, small = load_font(20), load_font(15), load_font(13)
    wide = 2 * SIDE + GAP + 2 * _PAD
    width = columns * wide + (columns - 1) * _PAD + 2 * MARGIN
    heads = wrapped(title, large, width - 2 * MARGIN)
    cards = [_card(cell, wide, bold, small) for cell in cells]
    rows = [cards[first : first + columns] for first in range(0, len(cards), columns)]
    tall = [max(card.height for card in row) for row in rows]
    top = MARGIN + len(heads) * _line(large) + _line(small) + _PAD
    sheet = Image.new("RGB", (width, top + sum(tall) + _PAD * (len(rows) - 1) + MARGIN), _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    _write(draw, (MARGIN, MARGIN - 8), heads, large, _INK)
    _write(draw, (MARGIN, MARGIN - 8 + len(heads) * _line(large)), [facts], small, _SOFT)
    for row, height in zip(rows, tall, strict=True):
        for column, card in enumerate(row):
            left = MARGIN + column * (wide + _PAD)
            draw.rounded_rectangle((left, top, left + wide - 1, top + height - 1), 8, _CARD, _RULE)
            sheet.paste(card, (left + _PAD, top + _PAD), card)
        top += height + _PAD
    return sheet


def shortened(text: str, font: Font, width: float) -> str:
    """The text, with its middle left out if it is wider than that."""
    if font.getlength(text) <= width:
        return text
    keep = len(text) - 1
    while keep > 2 and font.getlength(_without_middle(text, keep)) > width:
        keep -= 1
    return _without_middle(text, keep)


def wrapped(text: str, font: Font, width: float) -> list[str]:
    """Lines no wider than that, broken at spaces; a longer word is shortened."""
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(shortened(word, font, width))
    return lines


def _without_middle(text: str, keep: int) -> str:
    first = keep // 2
    return f"{text[:first]}…{text[len(text) - (keep - first) :]}"


def _card(cell: Cell, wide: int, bold: Font, small: Font) -> Image.Image:
    """One pair with its caption, on a transparent ground."""
    original, augmented, (name, label, drawn) = cell
    before, after = original.fitted(SIDE, small), augmented.fitted(SIDE, small)
    inner = wide - 2 * _PAD
    label = shortened(label, bold, inner * 0.45)
    name = shortened(name, small, inner - (bold.getlength(label) + 12 if label else 0))
    lines = wrapped(drawn, small, inner)
    tall = max(before.height, after.height)
    card = Image.new("RGBA", (inner + _PAD, tall + 12 + _line(bold) + len(lines) * _line(small) + _PAD + 4))
    for picture, left in ((before, 0), (after, SIDE + GAP)):
        card.paste(picture, (left + (SIDE - picture.width) // 2, (tall - picture.height) // 2))
    draw = ImageDraw.Draw(card)
    _arrow(draw, SIDE + GAP // 2, tall // 2)
    place = tall + 10
    x = 0.0
    if label:
        draw.text((0, place), label, fill=_INK, font=bold)
        x = bold.getlength(label) + 12
    draw.text((x, place + 2), name, fill=_SOFT, font=small)
    _write(draw, (0, place + _line(bold)), lines, small, _INK)
    return card


def _arrow(draw: ImageDraw.ImageDraw, x: int, y: int) -> None:
    draw.line((x - 7, y, x + 6, y), fill=_ARROW, width=2)
    draw.line((x + 1, y - 5, x + 6, y, x + 1, y + 5), fill=_ARROW, width=2, joint="curve")


def _line(font: Font) -> int:
    return round(float(getattr(font, "size", 12)) * _LEADING)


def _write(
    draw: ImageDraw.ImageDraw,
    place: tuple[float, float],
    lines: Sequence[str],
    font: Font,
    colour: tuple[int, int, int],
) -> None:
    for number, line in enumerate(lines):
        place_of_line = place[0], place[1] + number * _line(font)
        draw.text(place_of_line, line.replace("\u00a0", " "), fill=colour, font=font)
