"""LLVM: from the text of a module to functions of this process, by way of object code that can be kept."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tinygrad_np.compiling.native.cache import Cache, directory

VERSION = 1  # of how modules are compiled


@dataclass
class Machine:
    """The processor that code is compiled for."""

    llvm: Any
    name: str
    features: str
    vector_bytes: int

    def target(self) -> Any:
        """LLVM's description of it, which one compilation at a time may use."""
        target = self.llvm.Target.from_default_triple()
        return target.create_target_machine(cpu=self.name, features=self.features, opt=2, jit=True)


@lru_cache(maxsize=1)
def machine() -> Machine:
    """This machine. Raises ImportError without llvmlite."""
    try:
        import llvmlite.binding as llvm
    except ImportError as error:
        raise ImportError("native code needs llvmlite; run: pip install 'tinygrad_np[compiled]'") from error
    if llvm.llvm_version_info[0] < 20:
        llvm.initialize()  # later versions do it on their own
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    found = llvm.get_host_cpu_features()
    widths = {"avx512f": 64, "avx": 32}
    wide = next((size for name, size in widths.items() if found.get(name)), 16)
    return Machine(llvm, llvm.get_host_cpu_name(), found.flatten(), wide)


def lock() -> Any:
    """llvmlite's own lock, which no thread may hold where the process forks; None where it is not in use."""
    binding = sys.modules.get("llvmlite.binding")
    return None if binding is None else getattr(getattr(binding.ffi.lib, "_lock", None), "_lock", None)


@dataclass
class Code:
    """Functions of one module; ``note`` says whether it was compiled or found."""

    engine: Any
    note: str

    def address(self, name: str) -> int:
        """Where a function is."""
        return int(self.engine.get_function_address(name))


def load(text: str) -> Code:
    """The compiled module: from the cache, or by LLVM."""
    here, cache = machine(), Cache(directory())
    parts = (str(VERSION), str(here.llvm.llvm_version_info), here.name, here.features, text)
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    code = cache.load(key)
    if code is None:
        code = compiled(text)
        cache.store(key, code)
    return Code(_linked(code), cache.note)


def compiled(text: str) -> bytes:
    """A module's object code."""
    here = machine()
    llvm, target = here.llvm, here.target()
    module = llvm.parse_assembly(text)
    module.triple = target.triple
    module.data_layout = str(target.target_data)
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = options.slp_vectorization = options.loop_unrolling = False  # that is done already
    builder = llvm.create_pass_builder(target, options)
    builder.getModulePassManager().run(module, builder)
    return bytes(target.emit_object(module))


def _linked(code: bytes) -> Any:
    """Object code in memory, with the C library's functions that it calls."""
    here = machine()
    engine = here.llvm.create_mcjit_compiler(here.llvm.parse_assembly(""), here.target())
    engine.add_object_file(here.llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine
