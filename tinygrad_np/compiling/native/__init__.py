"""Native code for programs, by LLVM: lowering to loops, fusion, emission, compilation, a cache, and running."""

from tinygrad_np.compiling.native.instruction_list import NotNativeError
from tinygrad_np.compiling.native.scan import Native
from tinygrad_np.compiling.native.step import Also, CheckError, MisfitError

__all__ = ["Also", "CheckError", "MisfitError", "Native", "NotNativeError"]
