# The losses, each with the module that defines it: for type checkers, and `losses` itself reads it.

from tinygrad_xent.losses.dense import categorical_crossentropy as categorical_crossentropy
from tinygrad_xent.losses.dense import (
    softmax_cross_entropy_with_logits as softmax_cross_entropy_with_logits,
)
from tinygrad_xent.losses.dense import (
    softmax_cross_entropy_with_logits_v2 as softmax_cross_entropy_with_logits_v2,
)
from tinygrad_xent.losses.sparse import (
    sparse_categorical_crossentropy as sparse_categorical_crossentropy,
)
from tinygrad_xent.losses.sparse import (
    sparse_softmax_cross_entropy_with_logits as sparse_softmax_cross_entropy_with_logits,
)

MODULE_OF: dict[str, tuple[str, str]]
