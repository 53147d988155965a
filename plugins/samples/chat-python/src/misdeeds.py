"""What goes wrong on purpose, by the name of an event, for the tests of the plugin host."""

import json
import random
import time

from myrelay_sdk import error, now
from myrelay_sdk.memory import remember
from wit_world.imports.types import ErrorKind


def says(_):
    """What the plugin says is wrong, after it wrote something."""
    remember("left", "behind")
    raise error(ErrorKind.CONFLICT, "it is done\nalready")


def mistake(_):
    """A mistake in the program."""
    remember("left", "behind")
    return None.field


def throws(data):
    """Something that nobody expects."""
    raise SystemExit(data)


def spins(_):
    while True:
        pass


def grows(_):
    kept = []
    while True:
        kept.append(bytes(1 << 20))


def engine(_):
    """What Python lacks without a system, and the SDK brings."""
    chances = [random.random(), random.random()]
    told = {
        "now": [now().isoformat(), time.time()],
        "chance": all(0 <= it < 1 for it in chances) and chances[0] != chances[1],
    }
    raise error(ErrorKind.NOT_FOUND, json.dumps(told))


MISDEEDS = {
    "sample.says": says,
    "sample.mistake": mistake,
    "sample.throws": throws,
    "sample.spins": spins,
    "sample.grows": grows,
    "sample.engine": engine,
}
