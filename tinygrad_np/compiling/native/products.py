"""Products of matrices: small ones in blocks of registers, large ones by the BLAS that SciPy brings along."""

from __future__ import annotations

from typing import Any

from tinygrad_np.compiling.native.blas import by_blas, leading
from tinygrad_np.compiling.native.builder import Number, llvm_type
from tinygrad_np.compiling.native.instructions import Product
from tinygrad_np.compiling.native.kernel_function import Index, KernelFunction, memory_type
from tinygrad_np.compiling.native.loop_nest import next_power
from tinygrad_np.compiling.values import Value

ROWS = 6  # of a block; with its columns as many sums as there are registers for
VECTORS = {64: 4, 32: 2, 16: 2}  # columns of a block, in vectors, by a vector's bytes
UNROLLED = 64  # multiplications of vectors up to which the sum is written out


def emit_product(builder: KernelFunction, product: Product) -> None:
    """Write one product."""
    if by_blas(product):
        _call_blas(builder, product)
    else:
        Blocks(builder, product).emit()


def _call_blas(builder: KernelFunction, product: Product) -> None:
    """outᵀ = rightᵀ·leftᵀ in columns first is out = left·right in rows first."""
    (n, k), m, kind = product.left.shape, product.right.shape[1], llvm_type(product.output.dtype)

    def variable(kind: str, value: Any) -> str:
        return f"ptr {builder.slot(builder.constant(kind, value))}"

    arguments, sizes = [], []
    for value in (product.right, product.left):
        found = leading(value)
        assert found is not None
        arguments.append(variable("i8", ord("T" if found[0] else "N")))
        sizes.append(found[1])
    arguments += [variable("i32", v) for v in (m, n, k)]
    arguments += [variable(kind, 1), f"ptr {builder.address(product.right, [])}", variable("i32", sizes[0])]
    arguments += [f"ptr {builder.address(product.left, [])}", variable("i32", sizes[1]), variable(kind, 0)]
    down = product.output.strides[0] // product.output.dtype.itemsize
    arguments += [f"ptr {builder.address(product.output, [])}", variable("i32", down)]
    gemm = builder.pointer("dgemm" if kind == "double" else "sgemm")
    builder.lines.append(f"  call void {gemm}({', '.join(arguments)})")


class Blocks:
    """A product in blocks of rows by vectors of columns, whose sums stay in registers."""

    def __init__(self, builder: KernelFunction, product: Product) -> None:
        self.builder, self.product = builder, product
        self.kind = llvm_type(product.output.dtype)
        self.widest = builder.vector_bytes // product.output.dtype.itemsize

    def emit(self) -> None:
        """Write the loops over the blocks."""
        columns, block = self.product.right.shape[1], VECTORS[self.builder.vector_bytes] * self.widest
        full = columns - columns % block
        self.builder.loop(full, lambda j: self._rows(j, block), unrolled=1, step=block)
        if columns > full:
            self._rows(full, columns - full)

    def _rows(self, column: Index, columns: int) -> None:
        """All rows of a block of columns."""
        rows = self.product.left.shape[0]
        most = ROWS if columns > self.widest else 2 * ROWS
        count = -(-rows // most)  # as equal as can be
        height = -(-rows // count) if count else 0
        full = rows - rows % height if height else 0
        self.builder.loop(full, lambda i: self._block(i, height, column, columns), unrolled=1, step=height or 1)
        if rows > full:
            self._block(full, rows - full, column, columns)

    def _block(self, row: Index, rows: int, column: Index, columns: int) -> None:
        builder, product = self.builder, self.product
        parts = self._parts(columns)
        sums = {
            (r, start): builder.slot(builder.constant(self.kind, 0, lanes))
            for r in range(rows)
            for start, lanes, _ in parts
        }

        def terms(k: Index) -> None:
            right = [self._load_right(k, column, *part) for part in parts]
            for r in range(rows):
                factor = self._load_left(row, r, k)
                for (start, lanes, _), vector in zip(parts, right):
                    slot = sums[r, start]
                    total = builder.load_slot(slot, vector)
                    builder.store_slot(slot, builder.splat(factor, lanes).times_plus(vector, total))

        self.builder.loop(product.left.shape[1], terms, unrolled=max(1, UNROLLED // (rows * len(parts))))
        out, (down, across) = product.output, product.output.strides
        for r in range(rows):
            for start, lanes, active in parts:
                total = builder.load_slot(sums[r, start], Number(builder, "", self.kind, lanes))
                pointer = self._at(out, [(row, down), (r, down), (column, across), (start, across)])
                builder.store(total, out.dtype, pointer, across, active)

    def _parts(self, columns: int) -> list[tuple[int, int, int]]:
        """(first column, lanes, lanes in use) of the vectors side by side."""
        parts = []
        for start in range(0, columns, self.widest):
            active = min(self.widest, columns - start)
            parts.append((start, next_power(active), active))
        return parts

    def _load_right(self, k: Index, column: Index, start: int, lanes: int, active: int) -> Number:
        right, (down, across) = self.product.right, self.product.right.strides
        pointer = self._at(right, [(k, down), (column, across), (start, across)])
        return self.builder.load(right.dtype, pointer, across, lanes, active)

    def _load_left(self, row: Index, r: int, k: Index) -> Number:
        left, (down, across) = self.product.left, self.product.left.strides
        pointer = self._at(left, [(row, down), (r, down), (k, across)])
        kind = memory_type(left.dtype)
        return self.builder.value(f"load {kind}, ptr {pointer}, align {left.dtype.itemsize}", kind)

    def _at(self, value: Value, indices: list[tuple[Index, int]]) -> str:
        return self.builder.address(value, indices)
