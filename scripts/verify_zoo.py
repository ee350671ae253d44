"""Check a zoo: its files, what its encoders compute here, and what they are worth.

    tfssl verify_zoo
    tfssl verify_zoo --zoo=my_zoo --backends=jax
    tfssl verify_zoo --dataset=tfds:cifar10 --encoders=simclr_resnet18w16_cifar10

Every file must have the size and checksum of the index, and none may be missing or
unknown. Each encoder is loaded on each backend, in a process of its own, and its
features of a few made-up images are compared with those that were kept when it was
published. With --dataset, kNN is measured again for the cards that state it on this
data, on as many images, with the k and the temperature of the card. The last line of
a failure says what it was, and the exit status is 1.
"""

import importlib.util
import os
import subprocess
import sys

import common
import running
from absl import flags

FLAGS = flags.FLAGS
BACKENDS = ("tensorflow", "jax")

common.define_data_flags(required=False)
# For --help.
flags.adopt_module_key_flags(common)
flags.DEFINE_string(
    "zoo", None, "Folder or address of the zoo. Default: TFSSL_ZOO, else the package's."
)
flags.DEFINE_list("encoders", [], "Names of the encoders to load. Default: all.")
flags.DEFINE_bool("smallest", False, "Load only the one with the smallest file.")
flags.DEFINE_list("backends", list(BACKENDS), f"Some of {', '.join(BACKENDS)}.")
flags.DEFINE_bool("files", True, "Check the files, too.")
flags.DEFINE_float(
    "bound",
    0.002,
    "By how much kNN may differ from the card, where the card's was measured on other "
    "hardware, or before kernels were rounded to half precision.",
    lower_bound=0,
    upper_bound=1,
)
flags.register_validator(
    "backends",
    lambda names: names and set(names) <= set(BACKENDS),
    f"must be some of {', '.join(BACKENDS)}",
)


def main():
    for backend in FLAGS.backends:
        if importlib.util.find_spec(backend) is None:
            raise flags.Error(
                f"{backend} is not installed: pip install {backend}, or leave it out "
                "of --backends."
            )
    if FLAGS.backends == [os.environ.get("KERAS_BACKEND")]:
        wrong = verify(FLAGS.backends[0])
        for line in wrong:
            print(line, file=sys.stderr)
        sys.exit(bool(wrong))
    # Keras has one backend in a process.
    failed = [name for n, name in enumerate(FLAGS.backends) if other_process(name, n)]
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
        sys.exit(1)


def other_process(backend, number):
    """The exit status of this program on a backend; the first one checks the files."""
    flags_of_it = [f"--backends={backend}"] + ["--nofiles"] * (number > 0)
    return subprocess.run(
        [sys.executable, os.path.abspath(__file__), *sys.argv[1:], *flags_of_it],
        env={**os.environ, "KERAS_BACKEND": backend},
    ).returncode


def verify(backend):
    """Checks on the backend of this process; returns what is wrong, in lines."""
    running.start("float32")
    from tfssl.zoo.fetch import read_index
    from tfssl.zoo.index import resolve_pin, resolve_source
    from tfssl.zoo.inventory import check_files
    from tfssl.zoo.published import published

    source = resolve_source(FLAGS.zoo)
    # That the index is the one that the pin is of, once for all.
    read_index(source, resolve_pin(FLAGS.zoo))
    encoders = chosen(published(source))
    expected = cards_with_knn(encoders)
    wrong = check_files(source) if FLAGS.files else []
    if FLAGS.files:
        print(
            f"Files of {source}: {f'{len(wrong)} wrong' if wrong else 'as published'}"
        )
    width = max(len(encoder.name) for encoder in encoders)
    for encoder in encoders:
        found, line = loaded(encoder, source, expected.get(encoder.name))
        print(f"{encoder.name:<{width}}  {backend:<10}  {line}", flush=True)
        wrong += [f"{encoder.name}, {backend}: {each}" for each in found]
    return wrong


def chosen(encoders):
    """Those that the flags name.

    Raises:
        ValueError: for a name that is not there, or if there is none.
    """
    known = [encoder.name for encoder in encoders]
    unknown = set(FLAGS.encoders) - set(known)
    if unknown or not encoders:
        raise ValueError(
            f"--encoders must be some of {', '.join(known) or 'an empty zoo'}. "
            f"Received: {', '.join(sorted(unknown))}"
        )
    named = [e for e in encoders if not FLAGS.encoders or e.name in FLAGS.encoders]
    if FLAGS.smallest:
        return [min(named, key=lambda encoder: encoder.size or float("inf"))]
    return named


def cards_with_knn(encoders):
    """The kNN that cards state on the data set of the flags, by name.

    Raises:
        ValueError: if there is a data set that no card speaks of.
    """
    if FLAGS.dataset is None:
        return {}
    dataset, found = common.without_folder(FLAGS.dataset), {}
    for encoder in encoders:
        for result in encoder.results:
            if (result.protocol, result.settings.get("dataset")) == ("knn", dataset):
                found.setdefault(encoder.name, result)
    if not found:
        raise ValueError(
            f"No card of these encoders states kNN on --dataset={FLAGS.dataset}. "
            f"Received: {', '.join(encoder.name for encoder in encoders)}"
        )
    return found


def loaded(encoder, source, expected):
    """What is wrong with an encoder here, a list; and a line about it."""
    from tfssl import zoo
    from tfssl.zoo.fingerprint import TOLERANCE, deviation

    try:
        model = zoo.load(encoder.name, source=source)
        kept = encoder.metadata.get("fingerprint")
        away = None if kept is None else deviation(model, kept)
    except zoo.ZooError as error:
        return [str(error)], "FAILED"
    wrong = []
    line = "loads, has no fingerprint"
    if away is not None:
        line = f"loads, features differ by {away:.0e}"
        if not away <= TOLERANCE:
            wrong.append(f"features differ by {away:.1e}, more than {TOLERANCE}")
    if expected is not None:
        found, said = knn_again(model, expected)
        wrong += found
        line += f", {said}"
    return wrong, f"{line}{', FAILED' * bool(wrong)}"


def knn_again(model, expected):
    """As `loaded`, for kNN as a card states it: a `tfssl.transfer.Result`."""
    from tfssl import transfer

    train, test = common.load_labelled(model.input_shape[1])
    settings = expected.settings
    for part, key in ((train, "train_images"), (test, "test_images")):
        if len(part) != settings.get(key, len(part)):
            return [
                f"the card's kNN is of {settings[key]} {key.replace('_', ' ')}, and "
                f"--dataset has {len(part)}"
            ], "kNN not measured"
    data = [
        values
        for part in (train, test)
        for values in (transfer.features(model, part.images), part.labels)
    ]
    chosen = {key: settings[key] for key in ("k", "temperature") if key in settings}
    value = transfer.knn(*data, **chosen).value
    line = f"kNN {value:.4f}, published {expected.value:.4f}"
    if abs(value - expected.value) <= FLAGS.bound:
        return [], line
    return [f"{line}: they differ by more than {FLAGS.bound}"], line


if __name__ == "__main__":
    running.run(main)
