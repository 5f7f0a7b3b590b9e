"""Native code for programs, by LLVM: lowering to loops, fusion, emission, compilation, a cache, and running."""

from tinygrad_np.compiling.native.listing import NotNativeError
from tinygrad_np.compiling.native.running import CheckError, Native

__all__ = ["CheckError", "Native", "NotNativeError"]
