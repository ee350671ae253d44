"""Similar images: which files look most like this one."""

import hashlib
import os
import zipfile

import numpy as np

from tfssl.checks import check_count
from tfssl.files import whole_file
from tfssl.transfer.features import features
from tfssl.transfer.finite import check_finite
from tfssl.transfer.knn import block_of, largest_of_rows, unit_rows

_ARRAYS = ("features", "paths", "encoder", "weights")


class Index:
    """Features of images, searched by cosine similarity: exactly, and in blocks.

    Args:
        features: float array `[n, dim]`.
        paths: sequence of `n` strings, what a search answers with.
        encoder: string, where the encoder came from that made the features.
        weights: string, the checksum of its weights, by which a search with another
            encoder is known; "" if it is not known.

    Raises:
        ValueError: for another number of paths than of features, none of them, or
            features that are not finite.

    Example:
        >>> import numpy as np, tfssl
        >>> index = tfssl.transfer.Index(np.eye(3), ["a.png", "b.png", "c.png"])
        >>> index.search(np.array([[0.0, 2.0, 0.0]]), k=1)
        [[('b.png', 1.0)]]
    """

    def __init__(self, features, paths, encoder="", weights=""):
        features = np.asarray(features, "float32")
        paths = tuple(map(str, paths))
        if features.ndim != 2 or not len(features) or len(paths) != len(features):
            raise ValueError(
                "An index takes features [n, dim] and a path for each. Received: "
                f"features of shape {features.shape} and {len(paths)} paths"
            )
        check_finite(features, "features")
        self.features = unit_rows(features)
        self.paths = paths
        self.encoder, self.weights = encoder, weights

    @classmethod
    def of_images(cls, model, images, paths, encoder="", verbose=0):
        """The index of images.

        Args:
            model: `keras.Model` from images to features.
            images: array `[n, height, width, 3]`, pixel values in [0, 255].
            paths: sequence of `n` strings.
            encoder: string, where the model came from.
            verbose: 0 or 1, whether to show a progress bar. Defaults to 0.

        Returns:
            `Index`.
        """
        found = features(model, images, verbose=verbose)
        return cls(found, paths, encoder, checksum(model))

    def __len__(self):
        return len(self.paths)

    def __repr__(self):
        return f"Index({len(self)} images, {self.features.shape[1]} features)"

    def of_rows(self, rows):
        """The index of some of the images.

        Args:
            rows: sequence of ints.

        Returns:
            `Index`.
        """
        paths = [self.paths[row] for row in rows]
        return Index(self.features[rows], paths, self.encoder, self.weights)

    def search(self, queries, k=5, block=None):
        """The nearest images.

        Args:
            queries: float array `[m, dim]`, features made by the same encoder.
            k: int, images to find, or all if there are fewer. Defaults to 5.
            block: int, queries compared at a time; it changes no answer. Defaults to
                1,000, and to fewer in an index of more than 268,435 images.

        Returns:
            For each query a list of tuples `(path, cosine similarity)`, the nearest
            first.

        Raises:
            ValueError: for features of another length or that are not finite, or k
                below 1.
        """
        check_count(k=k)
        queries = np.asarray(queries, "float32")
        if queries.ndim != 2 or queries.shape[1] != self.features.shape[1]:
            raise ValueError(
                f"This index holds features [n, {self.features.shape[1]}]"
                f"{f' of {self.encoder}' if self.encoder else ''}; search it with "
                f"those of the same encoder. Received: shape {queries.shape}"
            )
        check_finite(queries, "queries")
        k = min(k, len(self))
        block = block_of(len(self)) if block is None else block
        answers = []
        for start in range(0, len(queries), block):
            similar = unit_rows(queries[start : start + block]) @ self.features.T
            nearest = largest_of_rows(similar, k)
            for row, found in zip(similar, nearest, strict=True):
                ranked = found[np.argsort(-row[found], kind="stable")]
                answers.append([(self.paths[i], float(row[i])) for i in ranked])
        return answers

    def search_images(self, model, images, k=5):
        """The images nearest to some images.

        Args:
            model: `keras.Model`, the encoder that made the index.
            images: array `[m, height, width, 3]`, pixel values in [0, 255].
            k: int. Defaults to 5.

        Returns:
            As `search`.

        Raises:
            ValueError: for another encoder.
        """
        if self.weights and checksum(model) != self.weights:
            raise ValueError(
                "This index was made by another encoder"
                f"{f', {self.encoder}' if self.encoder else ''}; their features do not "
                f"compare. Make the index anew, or search it with that one. Received: "
                f"{model.name} with other weights"
            )
        return self.search(features(model, images), k)

    def save(self, path):
        """Writes the index to an .npz file, the whole file or none.

        Args:
            path: string or `pathlib.Path`; its folder exists.
        """
        with whole_file(path, "wb") as file:
            np.savez(
                file,
                features=self.features,
                paths=np.array(self.paths),
                encoder=np.array(self.encoder),
                weights=np.array(self.weights),
            )

    @classmethod
    def load(cls, path):
        """The index of a file that `save` wrote.

        Args:
            path: string or `pathlib.Path`.

        Returns:
            `Index`.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is no index.
        """
        if not os.path.exists(path):
            raise FileNotFoundError(f"There is no file {str(path)!r}.")
        try:
            with np.load(path, allow_pickle=False) as file:
                features, paths, encoder, weights = (file[name] for name in _ARRAYS)
        except (
            EOFError,
            KeyError,
            OSError,
            TypeError,
            ValueError,
            zipfile.BadZipFile,
        ) as error:
            raise ValueError(
                f"{path} is no index of images, as tfssl.transfer.Index.save makes "
                f"one. Received: {type(error).__name__}: {error}"
            ) from error
        return cls(features, paths.tolist(), str(encoder), str(weights))


def checksum(model):
    """sha256 of a model's weights, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()
