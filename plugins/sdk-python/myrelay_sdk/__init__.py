"""What a plugin in Python is written with, as far as every plugin may: errors, settings, the turns of
a plugin's life, the time. What has to be asked for is in modules of its own: `http`, `memory` and
`signed`. The interface itself is `wit_world`."""

from . import engine as _engine
from .engine import chance, now
from .errors import PluginError, error, failure, line, rate_limited, shown
from .headers import header
from .life import guard, life
from .settings import problems, settings, total

__all__ = [
    "PluginError",
    "chance",
    "error",
    "failure",
    "guard",
    "header",
    "life",
    "line",
    "now",
    "problems",
    "rate_limited",
    "settings",
    "shown",
    "total",
]
