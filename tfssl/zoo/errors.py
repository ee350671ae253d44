"""Errors of a zoo."""


class ZooError(RuntimeError):
    """Base class of the errors below."""


class NotFoundError(ZooError):
    """There is no such zoo, encoder or file, or it cannot be reached."""


class IntegrityError(ZooError):
    """A file has another size or checksum than the one that was published."""


class FormatError(ZooError):
    """An index, or an encoder, that this version cannot read."""
