"""Programs as machine code, by LLVM: a step of a small network takes longer in NumPy's calls than in its arithmetic.

Each group of modules takes what the one above it makes. Read in this order:

    views, instructions             memory seen by shape and strides; what a program is lowered to
    instruction_list, lowering      calls become instructions: loops, products, draws, guards, and calls left to NumPy
    indexing, reductions, dot       the longer of these lowerings
    fusion                          instructions become kernels, each of which shares one nest of loops
    builder                         LLVM IR as text: numbers and vectors in registers
    functions, mathematics          each ufunc of registers; exp, log and tanh as polynomials
    kernel_function                 the function of a kernel: pointers, scalars, loads and stores
    loop_nest, products, blas       what is in it: loops over vectors of elements, products of matrices
    module, scan_loop               all kernels, the step that calls them, and the loop over minibatches
    object_layout                   where Python keeps what an array is
    entry_point, live_headers       the functions that Python calls, which look at arguments and at live arrays
    engine, cache                   LLVM, and its object code on disk
    scalars                         Python's numbers, which a step reads and changes
    buffers, binding                memory, and a table of where everything is
    results, script, step           one step, as a Python function that is written out for the program
    scan                            many steps at a time: what is used from outside
"""

from tinygrad_np.compiling.native.instruction_list import NotNativeError
from tinygrad_np.compiling.native.scan import Native
from tinygrad_np.compiling.native.step import Also, CheckError, MisfitError

__all__ = ["Also", "CheckError", "MisfitError", "Native", "NotNativeError"]
