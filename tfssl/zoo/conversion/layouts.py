"""The weights of an encoder in a checkpoint, among all that is beside them."""

from tfssl.zoo.checkpoints import StoredArray
from tfssl.zoo.errors import FormatError

# Counters, and what an optimizer kept of each weight.
_DROPPED = ("num_batches_tracked", "/Momentum", "/ExponentialMovingAverage")
_SHOWN = 12


def encoder_arrays(content, layout, path):
    """The arrays of a checkpoint that are the encoder's.

    Args:
        content: what `tfssl.zoo.checkpoints.read_checkpoint` returns.
        layout: `tfssl.zoo.Scheme`.
        path: of the file, for the messages.

    Returns:
        Tuple of a dict from names in the network to `StoredArray`s, and a list of the
        names in the file that the scheme knows nothing of.

    Raises:
        FormatError: if there are no weights where the scheme has them.
    """
    for key in layout.at:
        if not isinstance(content, dict) or key not in content:
            raise FormatError(
                f"{path} has nothing under {key!r}. Choose another scheme, or say at=. "
                f"It has: {listed(content)}"
            )
        content = content[key]
    if not isinstance(content, dict):
        raise FormatError(f"{path} holds no dict of weights. It has: {content!r:.200}")
    arrays, unexpected = {}, []
    for name, array in content.items():
        if not isinstance(array, StoredArray) or name.endswith(_DROPPED):
            continue
        own = name.removeprefix(layout.prefix)
        if not name.startswith(layout.prefix):
            if not name.startswith(layout.beside):
                unexpected.append(name)
        elif not own.startswith(layout.heads):
            arrays[_renamed(own, layout.renamed)] = array
    return arrays, unexpected


def _renamed(name, renamed):
    for old, new in renamed.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name


def listed(names):
    """Names for a message, a dozen of them."""
    names = list(map(str, names)) if isinstance(names, (dict, list)) else [repr(names)]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) or "none") + more
