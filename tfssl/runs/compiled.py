"""What JAX compiled, kept for the next program."""

import hashlib
import os
import platform
from pathlib import Path

import keras

from tfssl import files

# Bytes that all of it may take.
_MOST = 2**30


def keep_compiled(folder=None):
    """Has JAX keep what it compiles, so that a program like this one starts sooner.

    JAX finds its own way in the folder; where it cannot read or write it says so, and
    compiles. Of more than 1 GiB the oldest files are removed. Nothing happens on other
    backends, where the folder cannot be written, and where JAX was told of a folder
    already (`JAX_COMPILATION_CACHE_DIR`) or is to keep nothing
    (`JAX_ENABLE_COMPILATION_CACHE=false`).

    Args:
        folder: string or `pathlib.Path`, made if it does not exist. Defaults to one for
            this kind of processor under `tfssl/compiled` in `KERAS_HOME`.

    Example:
        >>> import tempfile, tfssl
        >>> tfssl.runs.keep_compiled(tempfile.mkdtemp())
    """
    if keras.backend.backend() != "jax":
        return
    import jax

    config = jax.config
    if config.jax_compilation_cache_dir or not config.jax_enable_compilation_cache:
        return
    if folder is None:
        # Code for a processor may crash another, and homes are on many machines.
        folder = files.home() / "compiled" / _processor()
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    if not os.access(folder, os.W_OK):
        return
    _remove_oldest(folder, _MOST)
    config.update("jax_compilation_cache_dir", str(folder))
    # Making a model compiles dozens of small operations.
    config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def _remove_oldest(folder, most):
    """Removes the oldest files of a folder, until they take `most` bytes at most."""
    # Another program may remove the same files.
    found = []
    for path in folder.iterdir():
        try:
            status = path.stat()
        except OSError:
            continue
        found.append((status.st_mtime_ns, status.st_size, path))
    size = sum(each for _, each, _ in found)
    for _, each, path in sorted(found):
        if size <= most:
            return
        path.unlink(missing_ok=True)
        size -= each


def _processor():
    """A name for what this machine's processor can do."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    # Of ARM they are called Features.
    facts = {line for line in lines if line.startswith(("model name", "flags", "Feat"))}
    text = "\n".join([platform.machine(), platform.processor(), *sorted(facts)])
    return hashlib.sha256(text.encode()).hexdigest()[:12]
