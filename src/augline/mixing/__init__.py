"""Lists that mix samples, cut at each mixing: `batches.py` makes the batches, the others one kind of thing each."""

from augline.mixing.batches import Level as Level
from augline.mixing.batches import MixedBatches as MixedBatches
from augline.mixing.batches import mixed_labels as mixed_labels
