"""How a program starts, and how it ends when something is wrong."""

import contextlib
import os
import re
import sys
import tempfile

from absl import app, flags

FLAGS = flags.FLAGS
# Of any number that a flag takes: what an int32 holds.
_LARGEST = 2**31 - 1


def run(main, files=False):
    """Runs a script's main; what the user can mend is told without a traceback.

    Args:
        main: function of nothing, or of the arguments that are no flags.
        files: bool, whether there may be such arguments. Defaults to False.
    """

    def guarded(argv):
        given = argv[1:]
        try:
            if given and not files:
                raise flags.Error(f"Unexpected arguments: {' '.join(given)}")
            main(*([given] if files else []))
        except (app.UsageError, flags.Error) as error:
            _refuse(error)
        except (ValueError, OSError, RuntimeError) as error:
            if os.environ.get("TFSSL_TRACEBACK"):
                raise
            print(f"\n{type(error).__name__}: {error}", file=sys.stderr)
            print("(TFSSL_TRACEBACK=1 shows where.)", file=sys.stderr)
            sys.exit(1)

    def parse(argv):
        try:
            rest = FLAGS(argv)
            check_numbers()
            return rest
        except flags.Error as error:
            _refuse(error)

    # Warnings, but not all that libraries say; --verbosity=0 shows it.
    FLAGS.verbosity = -1
    app.run(guarded, flags_parser=parse)


def check_numbers():
    """Refuses numbers that no bound of a flag refuses, such as nan."""
    for name in FLAGS:
        value = FLAGS[name].value
        # NaN is not at most anything.
        if isinstance(value, (int, float)) and not abs(value) <= _LARGEST:
            raise flags.IllegalFlagValueError(
                f"flag --{name}={value}: must be a finite number, at most {_LARGEST}"
            )


def _refuse(error):
    """Ends the program over a flag, in one line."""
    missing = re.match(r"flag --\w+=None: Flag (--\w+) must have", str(error))
    message = f"Set {missing[1]}." if missing else error
    print(f"{message} (--help lists the flags.)", file=sys.stderr)
    sys.exit(2)


def start(*args, **kwargs):
    """Imports the library and sets up the devices, without what libraries say then.

    On JAX, what was compiled is kept for the next program.

    Args:
        *args, **kwargs: as `tfssl.runs.set_up`.

    Returns:
        The precision policy's name.
    """
    # What TensorFlow tells while it trains is not for users.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _without_noise():
        import keras

        from tfssl import runs

        precision = runs.set_up(*args, **kwargs)
        runs.keep_compiled()
        # TensorFlow looks for its devices now; for several workers their strategy must
        # come first.
        if "TF_CONFIG" not in os.environ:
            keras.ops.zeros(())
    return precision


_NOISE = re.compile(
    rb"[IE]0000 .*(cudart_stub|cpu_feature_guard|cuda_platform|oneDNN)"
    rb"|WARNING: All log messages before absl::InitializeLog"
    rb"|To enable the following instructions"
)


@contextlib.contextmanager
def _without_noise():
    """Holds standard error back, and then passes on what is not known to be noise."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            for line in held:
                if not _NOISE.match(line):
                    sys.stderr.write(line.decode(errors="replace"))
