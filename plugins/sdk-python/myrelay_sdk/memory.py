"""What a plugin remembers, as texts. It takes `capabilities.kv`."""

from componentize_py_types import Err
from wit_world.imports import kv
from wit_world.imports.types import ErrorKind

from .errors import error, shown


def recall(key):
    """What stands there as a text, or None."""
    try:
        entry = kv.get(key)
    except Err as why:
        raise error(ErrorKind.INTERNAL, f"the store: {shown(why)}") from None
    return None if entry is None else entry.value.decode(errors="replace")


def remember(key, text, ttl_ms=None):
    """Writes a text there. It counts once the call returned ok, and not otherwise."""
    try:
        kv.set(key, text.encode(), ttl_ms)
    except Err as why:
        raise error(ErrorKind.INTERNAL, f"the store: {shown(why)}") from None
