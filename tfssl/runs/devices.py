"""Devices, precision, memory and determinism of a run."""

import contextlib
import ctypes
import os
import pathlib
import sys

import keras

# Of malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4

STRATEGIES = ("auto", "one", "mirrored", "multi_worker")


def set_up(precision="auto", virtual_devices=0, seed=0, deterministic=False):
    """Settings that come before the first tensor.

    Besides what is asked for, freed memory is kept for the next step (`keep_memory`).

    Args:
        precision: "float32", "mixed_bfloat16", "mixed_float16", or "auto":
            mixed_bfloat16 where the device computes in bfloat16 itself, else float32.
        virtual_devices: int; splits the CPU into so many devices. Defaults to 0: not.
        seed: int, of Python, NumPy and the backend.
        deterministic: bool, whether only deterministic operations are used. On JAX
            it must come before JAX has looked for its devices.

    Returns:
        The precision policy's name.

    Raises:
        RuntimeError: if the backend was used before, so that the CPU cannot be split.
        ValueError: if the backend cannot do what is asked.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        if virtual_devices:
            cpu = tf.config.list_physical_devices("CPU")[0]
            tf.config.set_logical_device_configuration(
                cpu, [tf.config.LogicalDeviceConfiguration()] * virtual_devices
            )
        if deterministic:
            tf.config.experimental.enable_op_determinism()
    elif deterministic and keras.backend.backend() == "jax":
        _make_jax_deterministic()
    if virtual_devices and keras.backend.backend() != "tensorflow":
        if keras.backend.backend() != "jax":
            raise ValueError(
                "virtual_devices splits the CPU of the TensorFlow and JAX backends. "
                f"Received: virtual_devices={virtual_devices} with "
                f"KERAS_BACKEND={keras.backend.backend()}"
            )
        import jax

        jax.config.update("jax_num_cpu_devices", virtual_devices)
    keep_memory()
    keras.utils.set_random_seed(seed)
    if precision == "auto":
        precision = "mixed_bfloat16" if has_bfloat16() else "float32"
    keras.config.set_dtype_policy(precision)
    return precision


def _make_jax_deterministic():
    """Has XLA compile for a GPU only what gives the same numbers each time."""
    option = "--xla_gpu_deterministic_ops=true"
    given = os.environ.get("XLA_FLAGS", "")
    if option not in given.split():
        os.environ["XLA_FLAGS"] = f"{given} {option}".strip()


def keep_memory():
    """Has the C library keep freed memory instead of giving it back to the system.

    The activations of a step on a CPU are many blocks of megabytes. By default each of
    them is mapped anew in each step, and the system clears its pages again: about 40 %
    of the time of a SimCLR step of 128 images of 64 pixels on 2 cores. This is for
    glibc on Linux, and does nothing elsewhere.

    Source: mallopt(3), M_MMAP_MAX and M_TRIM_THRESHOLD.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        # No block is mapped on its own, and the heap does not shrink.
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, -1)


def has_bfloat16():
    """Whether the device computes in bfloat16 itself, rather than emulating it.

    GPUs from compute capability 8.0 do, and CPUs with AVX512-BF16 or AMX. Where this
    cannot be found out the answer is False.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        if gpus:
            details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
            return all(d.get("compute_capability", (0, 0)) >= (8, 0) for d in details)
    elif keras.backend.backend() == "jax":
        import jax

        device = jax.devices()[0]
        if device.platform != "cpu":
            capability = getattr(device, "compute_capability", "8.0")
            return float(capability) >= 8.0
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    flags = cpuinfo.read_text() if cpuinfo.exists() else ""
    return "avx512_bf16" in flags or "amx_bf16" in flags


def device_names():
    """What computes, in words.

    Returns:
        String, such as "2 CPU cores" or "4 x NVIDIA A100-SXM4-80GB".

    Example:
        >>> from tfssl.runs.devices import device_names
        >>> device_names() != ""
        True
    """
    names = []
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        for gpu in tf.config.list_physical_devices("GPU"):
            details = tf.config.experimental.get_device_details(gpu)
            names.append(details.get("device_name", "GPU"))
    elif keras.backend.backend() == "jax":
        import jax

        names = [d.device_kind for d in jax.devices() if d.platform != "cpu"]
    if not names:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
        return f"{cores or os.cpu_count()} CPU cores"
    counts = {name: names.count(name) for name in names}
    return ", ".join(f"{n} x {name}" if n > 1 else name for name, n in counts.items())


def strategy(name="auto"):
    """The way of that name to share a run out over devices, or None for one device.

    On TensorFlow the model is made and compiled in its `scope`; on JAX it is set for
    the whole process (`keras.distribution.set_distribution`). On both each step is that
    of one device with the whole batch.

    Args:
        name: "one"; "mirrored", all GPUs or all virtual CPU devices of this machine;
            "multi_worker", all workers that `TF_CONFIG` names, on TensorFlow; "auto",
            mirrored if there are several devices.

    Returns:
        A `tf.distribute.Strategy`, a `keras.distribution.DataParallel`, or None.

    Raises:
        ValueError: for an unknown name, or one that the backend does not have.
    """
    if name not in STRATEGIES:
        raise ValueError(f"strategy must be one of {STRATEGIES}. Received: {name!r}")
    if keras.backend.backend() == "tensorflow":
        return _of_tensorflow(name)
    if keras.backend.backend() == "jax":
        return _of_jax(name)
    if name in ("mirrored", "multi_worker"):
        raise ValueError(
            f"strategy={name!r} needs the TensorFlow or the JAX backend. Received: "
            f"KERAS_BACKEND={keras.backend.backend()}"
        )
    return None


def _of_tensorflow(name):
    if name == "one":
        return None
    import tensorflow as tf

    if name == "multi_worker":
        return tf.distribute.MultiWorkerMirroredStrategy()
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    devices = [device.name for device in tf.config.list_logical_devices(kind)]
    if name == "auto" and len(devices) == 1:
        return None
    return tf.distribute.MirroredStrategy(devices)


def _of_jax(name):
    if name == "multi_worker":
        raise ValueError(
            "strategy='multi_worker' needs the TensorFlow backend. On JAX the devices "
            "of one machine are shared out, by strategy='mirrored'. Received: "
            "KERAS_BACKEND=jax"
        )
    import jax

    chosen = None
    if name == "mirrored" or (name == "auto" and jax.device_count() > 1):
        chosen = keras.distribution.DataParallel()
    keras.distribution.set_distribution(chosen)
    return chosen


def scope(chosen):
    """The strategy's scope; for None a scope that does nothing."""
    return contextlib.nullcontext() if chosen is None else chosen.scope()


def is_chief(chosen):
    """Whether this process writes the files of the run: one of all workers does."""
    if chosen is None or isinstance(chosen, keras.distribution.DataParallel):
        return True
    resolver = chosen.cluster_resolver
    if resolver is None or resolver.task_type == "chief":
        return True
    # Where none is named so, it is the first worker.
    return "chief" not in resolver.cluster_spec().jobs and not resolver.task_id
