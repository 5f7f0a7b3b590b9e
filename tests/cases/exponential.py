"""Cases of the exponentials and logarithms."""

from tests.cases.rows import Row, binary, lean, lean_pairs, positive, unary
from tinygrad_np.rules import exponential

ROWS = [
    Row(exponential.exp, unary()),
    Row(exponential.exp2, lean()),
    Row(exponential.expm1, lean()),
    Row(exponential.log, unary(positive)),
    Row(exponential.log2, lean(positive)),
    Row(exponential.log10, lean(positive)),
    Row(exponential.log1p, lean(positive)),
    Row(exponential.logaddexp, binary()),
    Row(exponential.logaddexp2, lean_pairs()),
]
