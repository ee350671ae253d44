"""Image files that cannot be decoded: how many may be, and what is said of them."""


class CorruptImagesError(ValueError):
    """More images could not be decoded than `max_corrupt` allows.

    Args:
        message: what to tell, with the files.
        files: dict, corrupt file (relative to the folder) -> reason.
    """

    def __init__(self, message, files):
        super().__init__(message)
        self.files = files


def check_fraction_of_corrupt(max_corrupt):
    """Refuses what is no fraction."""
    if not 0 <= max_corrupt <= 1:
        raise ValueError(f"max_corrupt is a fraction. Received: {max_corrupt}.")


def check_corrupt(name, corrupt, total, max_corrupt):
    """What to warn of, if so many images may be corrupt.

    Args:
        name: string, the source.
        corrupt: dict, file -> reason.
        total: int, files that there are.
        max_corrupt: float, the fraction of them that may be corrupt.

    Returns:
        Tuple of two strings: how many are corrupt, and which.

    Raises:
        CorruptImagesError: when they are more than that, or all.
    """
    lines = "".join(f"\n  {file}: {reason}" for file, reason in corrupt.items())
    found = f"{len(corrupt)} of the {total} images in {name} are corrupt"
    if len(corrupt) / total > max_corrupt or len(corrupt) == total:
        raise CorruptImagesError(
            f"{found}, more than max_corrupt={max_corrupt} of them. Repair or remove "
            f"them, or raise max_corrupt:{lines}",
            corrupt,
        )
    return found, lines
