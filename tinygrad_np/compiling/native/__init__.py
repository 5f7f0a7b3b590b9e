"""Native code for programs, by LLVM: lowering to loops, fusion, emission, compilation, a cache, and running."""

from tinygrad_np.compiling.native.listing import NotNativeError
from tinygrad_np.compiling.native.running import Also, CheckError, MisfitError
from tinygrad_np.compiling.native.scanning import Native

__all__ = ["Also", "CheckError", "MisfitError", "Native", "NotNativeError"]
