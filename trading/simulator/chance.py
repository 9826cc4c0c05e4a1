"""Noise that can be asked for anywhere: a hash of who, where and when instead of a generator.

Rule 1: no state. The same key and position give the same bits on every machine and run.
Rule 2: everything is vectorised; a row is one key, a column one position.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import cast

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint64]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
# The finaliser of SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number
# Generators", 2014): every output bit depends on every input bit.
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_LANE = 2.0**-16
_EVEN_LANES = np.uint64(0x0000FFFF_0000FFFF)
_LOW_LANES = np.uint64(0xFFFFFFFF)
_LANES_TO_UNIT_VARIANCE = 3.0**0.5  # four uniforms have variance 4/12


def key(*parts: str | int) -> int:
    """A 64-bit key of the parts, the same in every process (unlike ``hash``)."""
    text = "\0".join(str(part) for part in parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def mixed(values: Bits) -> Bits:
    """Each 64-bit value scrambled; ``values`` must be an array, which wraps silently."""
    out = values ^ (values >> np.uint64(30))
    out *= _MIX_1
    out ^= out >> np.uint64(27)
    out *= _MIX_2
    out ^= out >> np.uint64(31)
    return out


def subkeys(keys: Bits, positions: Ints, salt: int) -> Bits:
    """One new key for each pair of key and position (arrays of one shape)."""
    return mixed(keys + mixed(positions.astype(np.uint64) * _GOLDEN + np.uint64(salt)))


def stream(keys: Bits, count: int, salt: int) -> Bits:
    """``count`` values for each key, shape ``(len(keys), count)``."""
    counter = np.arange(1 + salt * 65_536, 1 + salt * 65_536 + count, dtype=np.uint64)
    return mixed(keys[:, None] + counter[None, :] * _GOLDEN)


def lanes(bits: Bits) -> tuple[Floats, Floats, Floats, Floats]:
    """Four independent uniforms in [0, 1) out of each 64-bit value."""
    parts = bits.astype("<u8", copy=False).view("<u2").reshape(*bits.shape, 4)
    return cast(
        "tuple[Floats, Floats, Floats, Floats]",
        tuple(parts[..., lane] * _LANE for lane in range(4)),
    )


def bell(bits: Bits) -> Floats:
    """Bell-shaped noise of mean 0 and variance 1, bounded by ±3.5 (a sum of four uniforms)."""
    pairs = (bits & _EVEN_LANES) + ((bits >> np.uint64(16)) & _EVEN_LANES)
    pairs += pairs >> np.uint64(32)
    pairs &= _LOW_LANES
    noise: Floats = pairs * (_LANE * _LANES_TO_UNIT_VARIANCE)
    noise -= 2.0 * _LANES_TO_UNIT_VARIANCE
    return noise


def uniform(bits: Bits) -> Floats:
    """Uniforms in [0, 1) with 53 bits."""
    value: Floats = (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return value


def shares(total: Ints, weights: Floats) -> Ints:
    """Split each row's ``total`` among its columns by weight; the parts sum to it exactly.

    Args:
        total: Shape ``(rows,)``, not negative.
        weights: Shape ``(rows, columns)``, not negative. A column of weight 0 gets nothing; a
            row without any weight gives out nothing.
    """
    heights = np.cumsum(weights, axis=1)
    top = heights[:, -1:]
    heights /= np.where(top > 0.0, top, 1.0)  # the last one is exactly 1: x / x
    reached = (heights * total[:, None]).astype(np.int64)
    parts = reached.copy()
    parts[:, 1:] -= reached[:, :-1]
    return parts
