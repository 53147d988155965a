"""What Python lacks without a system below it: output, the time and chance, made of what the host
gives. There are no threads, sockets and files."""

import random
import sys
import time
from datetime import datetime, timedelta, timezone

from wit_world.imports import clock, log
from wit_world.imports import random as of_host

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


_called = False


def begin():
    """A call begins. `guard` says so: while the plugin is built there is no host to ask."""
    global _called
    _called = True


class _Writer:
    """Writes whole lines to the plugin's log, and while it is built to where the builder reads."""

    encoding = "utf-8"

    def __init__(self, level, before):
        self.level = level
        self.before = before
        self.kept = ""

    def write(self, text):
        if not _called:
            return self.before.write(text)
        *lines, self.kept = (self.kept + text).split("\n")
        for it in lines:
            log.log(self.level, it, [])
        return len(text)

    def flush(self):
        """Does nothing: a line is told when it ends, or the call does."""

    def end(self):
        """The call ends, and with it a line that has no end of its own."""
        kept, self.kept = self.kept, ""
        if kept:
            log.log(self.level, kept, [])

    def isatty(self):
        return False


def now():
    """When what this call is about happened; it stands still during the call."""
    return _EPOCH + timedelta(milliseconds=clock.now())


def chance():
    """A number below 1 that is the same in every try of one delivery. Never make keys of it."""
    return int.from_bytes(of_host.bytes(6), "big") / 2**48


def end():
    """A call ends, well or not: what was printed without a line's end is told."""
    for it in (sys.stdout, sys.stderr):
        if isinstance(it, _Writer):
            it.end()


sys.stdout = _Writer(log.Level.INFO, sys.stdout)
sys.stderr = _Writer(log.Level.WARN, sys.stderr)
time.time = lambda: clock.now() / 1000
random.random = chance
