"""The BLAS that SciPy brings along: where its functions are, and which products they take."""

from __future__ import annotations

import ctypes
from functools import lru_cache

from tinygrad_np.compiling.native.instructions import Product
from tinygrad_np.compiling.values import Value

FROM = 1 << 20  # multiplications from which a call of BLAS is quicker


def by_blas(product: Product) -> bool:
    """Whether BLAS is quicker, and can: it wants one axis of each matrix side by side."""
    (n, k), m = product.left.shape, product.right.shape[1]
    size = product.output.dtype.itemsize
    fits = all(leading(v) is not None for v in (product.left, product.right))
    fits = fits and product.output.strides[1] == size and product.output.strides[0] > 0
    return n * m * k >= FROM and fits and blas("dgemm" if size == 8 else "sgemm") != 0


@lru_cache(maxsize=2)
def blas(name: str) -> int:
    """The address of one of SciPy's BLAS functions; 0 without SciPy."""
    try:
        from scipy.linalg import cython_blas
    except ImportError:
        return 0
    capsule = cython_blas.__pyx_capi__[name]
    title = ctypes.pythonapi.PyCapsule_GetName
    title.restype, title.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return int(pointer(capsule, title(capsule)))


def leading(value: Value) -> tuple[bool, int] | None:
    """Whether a matrix is transposed for BLAS, which counts columns first, and its leading dimension."""
    (rows, columns), (down, right), size = value.shape, value.strides, value.dtype.itemsize
    if right == size and down >= columns * size and down % size == 0:
        return False, down // size
    if down == size and right >= rows * size and right % size == 0:
        return True, right // size
    return None
