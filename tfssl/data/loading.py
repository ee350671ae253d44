"""One name for every source of images."""

from tfssl.checks import check_count
from tfssl.data.digits import load_digits
from tfssl.data.folder import load_folder
from tfssl.data.npz import load_npz
from tfssl.data.prepared import load_tfds
from tfssl.data.splits import Division


def load(
    name,
    split="train",
    *,
    image_size=None,
    data_dir=None,
    max_corrupt=0.01,
    cache_dir=None,
    labels=None,
    unlabelled="refuse",
    test_fraction=None,
    hold_out=None,
    seed=0,
    stream=False,
):
    """Loads one split of an image set, decoded once into one uint8 array.

    | name | images | default size |
    |---|---|---|
    | `"digits"` | scikit-learn's 8x8 digits: 1,297 train, 500 test | 16 |
    | `"tfds:NAME"` | any tensorflow-datasets set with an `image` | its own, or 256 |
    | `"folder:DIR"` | image files; flat, or one folder per class | 256 |
    | `"npz:FILE"` | arrays `x_train[, y_train, x_test, y_test]` | its own |

    All images become RGB: grey is repeated, transparency is composited on white. To fit
    `image_size`, the short side is resized to it (bilinear, antialiased) and the
    central square is kept.

    A folder's files may be JPEG, PNG, BMP, GIF, WebP, TIFF, AVIF (with a Pillow that
    can) and, with pillow-heif installed, HEIC. `ImageData.left_out` counts all others.

    Args:
        name: one of the names above.
        split: `"train"`, `"test"` or another split that the set has.
        image_size: side of the images in pixels. See the table for the default.
        data_dir: `tfds:` only, the folder with prepared sets.
        max_corrupt: `folder:` only, the fraction of corrupt files to skip (with a
            warning that names them) before refusing.
        cache_dir: the folder for the pixels of sets over 2 GiB, which are kept in an
            unnamed temporary file and not in memory. Defaults to the system's.
        labels: `folder:` only, a CSV file with the columns `file` (relative to the
            folder, or its name alone) and `label`. The folder may then be flat or
            nested as it likes. Classes are the sorted labels. Defaults to None: the
            names of folders.
        unlabelled: what becomes of images that are not in `labels`. "leave_out" counts
            them in `ImageData.left_out`, "keep" gives them the label -1; of these
            `test_fraction` and `hold_out` take none. Defaults to "refuse": each must be
            there.
        test_fraction: for a set that has no test split, the fraction of its train
            split that becomes one: of each class the rounded fraction, but at least one
            image and never all, of images without labels that fraction at random.
            `"train"` is then the rest. The same images are divided alike at each call;
            more or fewer of them (HEIC with and without pillow-heif) may not be.
            Defaults to None: a set is as it is.
        hold_out: the same, for a set that may have a test split, which is then left
            alone: `"test"` are training images held out, to choose settings by.
            Defaults to None.
        seed: int, draws the images of these fractions. Defaults to 0.
        stream: whether images are decoded whenever they are needed, and held nowhere:
            `images` are then `tfssl.training.StreamedImages`. `folder:`, whose corrupt
            files are met while they are read; the next file of the class stands in
            their place. And `tfds:`, prepared as array_record; all records are read
            once for their labels. `"auto"` streams what can be and would take more than
            16 GiB. Defaults to False.

    Returns:
        An `ImageData`.

    Raises:
        ValueError: unknown name or split, no images, pixel values out of range, labels
            that do not fit the images, a `test_fraction` of a set with a test split,
            or both fractions.
        FileNotFoundError: no such file, folder or prepared set.
        CorruptImagesError: too many corrupt files.

    Example:
        >>> from tfssl.data import load
        >>> load("digits", split="test")
        ImageData(digits, test: 500 images of 16x16, 10 classes)
    """
    if image_size is not None:
        check_count(image_size=image_size)
    if stream not in (True, False, "auto"):
        raise ValueError(f'stream is True, False or "auto". Received: {stream!r}')
    if None not in (test_fraction, hold_out):
        raise ValueError(
            "test_fraction is for a set without a test split, hold_out for one whose "
            "test images are not to be looked at. Leave out one of them. Received: "
            f"test_fraction={test_fraction}, hold_out={hold_out}"
        )
    if hold_out is None:
        division = Division(test_fraction, seed)
    else:
        division = Division(hold_out, seed, replace=True)
    source, _, rest = name.partition(":")
    if stream is True and source not in ("folder", "tfds"):
        raise ValueError(
            f"{name} is not streamed: only folder:DIR and tfds:NAME "
            "are read one by one. Load it without stream; above 2 GiB its pixels are "
            f"kept in a temporary file, not in memory. Received: stream={stream}"
        )
    if labels is not None and source != "folder":
        raise ValueError(f"labels={labels} is for folder:DIR. Received: {name!r}.")
    if unlabelled not in ("refuse", "leave_out", "keep"):
        raise ValueError(
            f'unlabelled is "refuse", "leave_out" or "keep". Received: {unlabelled!r}'
        )
    if unlabelled != "refuse" and labels is None:
        raise ValueError(
            "unlabelled is for a table that names some of the images: "
            f"labels=FILE.csv. Received: unlabelled={unlabelled!r} without labels"
        )
    if name == "digits":
        return load_digits(split, image_size, division)
    if source == "tfds" and rest:
        return load_tfds(rest, split, image_size, data_dir, cache_dir, division, stream)
    if source == "folder" and rest:
        return load_folder(
            rest,
            split,
            image_size,
            max_corrupt,
            cache_dir,
            labels,
            division,
            stream,
            unlabelled,
        )
    if source == "npz" and rest:
        return load_npz(rest, split, image_size, cache_dir, division)
    raise ValueError(
        f"Unknown image set {name!r}. Known: 'digits', 'tfds:NAME' "
        "(tensorflow-datasets), 'folder:DIR' (image files), 'npz:FILE' (arrays)."
    )
