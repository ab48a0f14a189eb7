"""Half precision from and to single precision, on the bits: many times faster than NumPy's own.

NumPy converts number by number, and raises a flag for each that loses digits where halves are
subnormal. On the bits it is arithmetic of integers. A half has 13 bits less than a single and an
exponent that is 112 less; below 2**-14 halves are multiples of 2**-24, as singles are next to 0.5.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


def to_single(x: Array) -> Array:
    """Plainly: `x.astype(np.float32)`."""
    bits = x.view(np.int16)
    if np.maximum.reduce(bits & 0x7FFF, axis=None, initial=0) >= 0x7C00:  # infinite or NaN
        return x.astype(np.float32)
    bits = bits.astype(np.int32)
    bits <<= 13
    bits &= ~0x70000000  # copies of the sign, where the exponent is longer
    single = bits.view(np.float32)
    single *= np.float32(2.0**112)
    return single


def to_half(x: Array) -> Array:
    """Plainly: `x.astype(np.float16)`, which rounds to nearest and ties to even."""
    bits = x.view(np.int32)
    half = bits & 0x7FFFFFFF
    if np.maximum.reduce(half, axis=None, initial=0) >= 0x477FF000:  # too large, infinite or NaN
        return x.astype(np.float16)
    small = np.minimum(half.view(np.float32), np.float32(2.0**-14))
    small += np.float32(0.5)
    part = small.view(np.int32)
    part -= 0x3F000000
    odd = half >> 13
    odd &= 1  # ties go to even numbers
    half += odd
    half += 0x0FFF - (112 << 23)
    half >>= 13
    np.maximum(half, part, out=half)
    sign = np.right_shift(bits, 16, out=odd)
    sign &= 0x8000
    half |= sign
    return half.astype(np.uint16).view(np.float16)
