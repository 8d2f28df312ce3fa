"""3x3 matrices, one per sample. They map output pixels to input pixels, in the pixel-centre convention.

Integer coordinates are pixel centres, (0, 0) is the top-left one, x runs right and y down. So the picture of a
`width` x `height` image covers [-0.5, width - 0.5] x [-0.5, height - 0.5], and its centre is at
((width - 1) / 2, (height - 1) / 2).
"""

from __future__ import annotations

from collections.abc import Sequence

from augline.arrays import Array, Namespace, rows_of


def matrix(xp: Namespace, batch: int, rows: Sequence[Sequence[Array | float]]) -> Array:
    """`(batch, 3, 3)` from nine entries, each a number or a `(batch,)` array; two rows stand for an affine map."""
    rows = [*rows, (0.0, 0.0, 1.0)][:3]
    entries = [entry for row in rows for entry in row]
    columns = {entry: xp.full((batch,), entry, dtype=xp.float64) for entry in entries if _is_number(entry)}
    stacked = xp.stack([columns[entry] if _is_number(entry) else entry for entry in entries], axis=-1)
    return xp.reshape(stacked, (batch, 3, 3))


def _is_number(entry: Array | float) -> bool:
    return isinstance(entry, int | float)


def identity(xp: Namespace, batch: int) -> Array:
    """`(batch, 3, 3)`: every output pixel reads the input pixel of the same place."""
    return xp.broadcast_to(xp.eye(3, dtype=xp.float64), (batch, 3, 3))


def about(xp: Namespace, batch: int, linear: Sequence[Sequence[Array | float]], x: Array, y: Array) -> Array:
    """The linear map `((a, b), (c, d))` with the point (x, y) held still."""
    (a, b), (c, d) = linear
    return matrix(xp, batch, ((a, b, x - a * x - b * y), (c, d, y - c * x - d * y)))


def resized(xp: Namespace, batch: int, scale_y: Array | float, scale_x: Array | float, top: Array | float = 0.0,
            left: Array | float = 0.0) -> Array:  # fmt: skip
    """Reads a window whose corner pixel edge is (left, top), `scale` input pixels to one output pixel.

    `x_in = (x_out + 0.5) * scale_x - 0.5 + left`: pixel edges map to pixel edges, as everywhere in the field.
    """
    return matrix(xp, batch, ((scale_x, 0.0, 0.5 * scale_x - 0.5 + left), (0.0, scale_y, 0.5 * scale_y - 0.5 + top)))


def inverse(xp: Namespace, m: Array) -> Array:
    """Inverse of each 3x3 matrix by its adjugate; `(batch, 3, 3)`."""
    a, b, c = m[:, 0, 0], m[:, 0, 1], m[:, 0, 2]
    d, e, f = m[:, 1, 0], m[:, 1, 1], m[:, 1, 2]
    g, h, i = m[:, 2, 0], m[:, 2, 1], m[:, 2, 2]
    rows = (
        (e * i - f * h, c * h - b * i, b * f - c * e),
        (f * g - d * i, a * i - c * g, c * d - a * f),
        (d * h - e * g, b * g - a * h, a * e - b * d),
    )
    determinant = a * rows[0][0] + b * rows[1][0] + c * rows[2][0]
    adjugate = matrix(xp, rows_of(xp, m), rows)
    return adjugate / determinant[:, None, None]


def square_to_quad(xp: Namespace, corners: Array) -> Array:
    """Maps the unit square to four corners `(batch, 4, 2)`, given as (0,0), (1,0), (0,1), (1,1).

    Formula: P. Heckbert, Fundamentals of Texture Mapping and Image Warping, 1989, section 2.2.3.
    """
    x, y = corners[:, :, 0], corners[:, :, 1]
    x0, x1, x3, x2 = x[:, 0], x[:, 1], x[:, 2], x[:, 3]
    y0, y1, y3, y2 = y[:, 0], y[:, 1], y[:, 2], y[:, 3]
    dx1, dx2, sx = x1 - x2, x3 - x2, x0 - x1 + x2 - x3
    dy1, dy2, sy = y1 - y2, y3 - y2, y0 - y1 + y2 - y3
    scale = dx1 * dy2 - dx2 * dy1
    g, h = (sx * dy2 - dx2 * sy) / scale, (dx1 * sy - sx * dy1) / scale
    rows = ((x1 - x0 + g * x1, x3 - x0 + h * x3, x0), (y1 - y0 + g * y1, y3 - y0 + h * y3, y0), (g, h, 1.0))
    return matrix(xp, rows_of(xp, corners), rows)


def transform_points(xp: Namespace, m: Array, points: Array) -> Array:
    """Each sample's matrix applied to its points `(batch, n, 2)`."""
    x, y = points[:, :, 0], points[:, :, 1]
    u = m[:, 0, 0, None] * x + m[:, 0, 1, None] * y + m[:, 0, 2, None]
    v = m[:, 1, 0, None] * x + m[:, 1, 1, None] * y + m[:, 1, 2, None]
    w = m[:, 2, 0, None] * x + m[:, 2, 1, None] * y + m[:, 2, 2, None]
    return xp.stack([u / w, v / w], axis=-1)


def minification(xp: Namespace, m: Array, height: Array, width: Array) -> tuple[Array, Array]:
    """Input pixels that one output step spans along the input's y and x axes, at the output's centre; two `(batch,)`.

    The length of each row of the map's Jacobian; a projective map's is taken at the centre of the output.
    """
    a, b, c = xp.unstack(m, axis=2)
    place = a * ((width - 1) / 2)[:, None] + b * ((height - 1) / 2)[:, None] + c
    at, w = place[:, :2] / place[:, 2:], place[:, 2:]
    spans = xp.abs(xp.sqrt((a[:, :2] - at * a[:, 2:]) ** 2 + (b[:, :2] - at * b[:, 2:]) ** 2) / w)
    span_x, span_y = xp.unstack(spans, axis=1)
    return span_y, span_x
