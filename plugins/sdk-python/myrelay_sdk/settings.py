"""The operator's settings, and amounts."""

import json

from wit_world.exports.lifecycle import ConfigProblem
from wit_world.imports import config
from wit_world.imports.types import ErrorKind, Money

from .errors import error


def settings():
    """The settings of this installation, which are good by config.schema.json."""
    return json.loads(config.get())


def problems(candidate, look):
    """What `look` finds in settings that somebody means to save: pairs of a JSON pointer and what to
    do about what stands there."""
    try:
        read = json.loads(candidate)
    except ValueError as why:
        return [ConfigProblem("", str(why))]
    return [ConfigProblem(path, message) for path, message in look(read)]


def total(amounts):
    """The sum of some amounts, all of them in one currency."""
    amounts = list(amounts)
    minor = sum(it.minor for it in amounts)
    if len({it.currency for it in amounts}) != 1 or not -(2**63) <= minor < 2**63:
        raise error(ErrorKind.INVALID_INPUT, "amounts of one currency that add up")
    return Money(minor, amounts[0].currency)
