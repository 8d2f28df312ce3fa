"""The narrow waist: what transforms lower to, what fusion rewrites, and all that an engine has to know."""

from augline.plan.blend import Blend
from augline.plan.call import Call
from augline.plan.finish import Finish, Standardize, Whiten, Whitening
from augline.plan.frame import Extent, Frame, Sight
from augline.plan.fuse import APPROXIMATE, EXACT, fuse
from augline.plan.local import Clahe, Codec, Erase, Filter, Median, Noise
from augline.plan.plan import Plan, dropped, make_plan
from augline.plan.rows import rows_read
from augline.plan.stages import (
    Colour,
    Curve,
    Drop,
    Field,
    Fill,
    Hsv,
    MaskValue,
    Output,
    Reach,
    Rescale,
    Stage,
    Tone,
    Warp,
)

__all__ = [
    "APPROXIMATE",
    "EXACT",
    "Blend",
    "Call",
    "Clahe",
    "Codec",
    "Colour",
    "Curve",
    "Drop",
    "Erase",
    "Extent",
    "Field",
    "Fill",
    "Filter",
    "Finish",
    "Frame",
    "Hsv",
    "MaskValue",
    "Median",
    "Noise",
    "Output",
    "Plan",
    "Reach",
    "Rescale",
    "Sight",
    "Stage",
    "Standardize",
    "Tone",
    "Warp",
    "Whiten",
    "Whitening",
    "dropped",
    "fuse",
    "make_plan",
    "rows_read",
]
