"""Signatures by secrets that the plugin never sees. It takes `capabilities.crypto`."""

from componentize_py_types import Err
from wit_world.imports import crypto
from wit_world.imports.types import ErrorKind

from .errors import error, shown


def is_signed(secrets, message, tags):
    """Whether one of the tags is the HMAC-SHA256 of a message by one of the secrets. The first secret
    has to be there; the others need not be, since they are there only while the first is changed."""
    for at, name in enumerate(secrets):
        for tag in tags:
            encoding, hash = crypto.KeyEncoding.UTF8, crypto.Hash.SHA256
            try:
                if crypto.hmac_verify(name, encoding, hash, message, tag):
                    return True
            except Err as why:
                if 0 < at:
                    break
                told = f"the secret {name}: {shown(why)}"
                raise error(ErrorKind.INVALID_CONFIG, told) from None
    return False
