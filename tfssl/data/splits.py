"""One message for a split that a source does not have."""


def check_split(split, known, name, hint=""):
    """Raises a ValueError that lists the splits that exist."""
    if split not in known:
        raise ValueError(
            f"{name} has no split {split!r}. It has: {', '.join(sorted(known))}.{hint}"
        )
