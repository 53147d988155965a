"""The turns of a plugin's life, and the wall between what it raises and the host."""

import functools
import inspect

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.lifecycle import HealthReport, Info
from wit_world.imports import log
from wit_world.imports.types import Error, ErrorKind

from .answers import fault, wrong_answer
from .engine import begin, end
from .errors import PluginError, line, shown


def _where(why):
    """What was raised, after the places it came through. Python's own `traceback` looks for the sources,
    and there are no files."""
    lines, at = [], why.__traceback__
    while at is not None:
        code = at.tb_frame.f_code
        lines.append(f"{code.co_filename}:{at.tb_lineno} in {code.co_name}")
        at = at.tb_next
    # A line of the log is one line.
    return "; ".join([*lines, *shown(why).splitlines()])


def _told(why):
    """What the host is told where this was raised."""
    kind = ErrorKind.INTERNAL
    if isinstance(why, Err) and isinstance(why.value, Error) and fault(why.value, Error) is None:
        return why.value
    if isinstance(why, PluginError):
        told = why.told()
        wrong = fault(told, Error)
        if wrong is None:
            return told
        # What happens next is up to its kind, whatever else is wrong with it.
        kind = why.kind if isinstance(why.kind, ErrorKind) else kind
        why = TypeError(f"an error of the plugin's: {wrong}").with_traceback(why.__traceback__)
    log.log(log.Level.ERROR, _where(why), [])
    return PluginError(kind, line(shown(why))).told()


def _wrap(plugin, name, run):
    @functools.wraps(run)
    def guarded(*given):
        begin()
        try:
            answer = run(*given)
            if inspect.iscoroutine(answer):
                answer.close()
                raise TypeError("a plugin's function cannot be async")
            wrong = wrong_answer(plugin, name, answer)
            if wrong is not None:
                raise TypeError(wrong)
            return answer
        except (KeyboardInterrupt, SystemExit, Exception) as why:
            raise Err(_told(why)) from None
        finally:
            end()

    return guarded


def guard(plugin):
    """Wraps the functions of a class that a plugin exports: a `PluginError` is told as it is, and
    everything else that is raised is written to the log and told as `internal`. So is an answer that
    is of another type than the interface has."""
    for name, run in list(vars(plugin).items()):
        if callable(run) and not name.startswith("_"):
            setattr(plugin, name, _wrap(plugin, name, run))
    return plugin


def life(id, version, problems, ready):
    """The class `Lifecycle` of a plugin that sets nothing up at its provider and whose memory has had
    one form so far; derive from it what is different.

    `id` and `version` are as in plugin.toml. `problems` takes settings as a text and returns what is
    wrong with them; `ready` raises where something is not in place, and says what it is connected
    to."""

    class Life(exports.Lifecycle):
        def describe(self):
            return Info(id, version, "1.0")

        def activate(self, webhook_url):
            ready()

        def deactivate(self):
            pass

        def validate_config(self, candidate):
            return problems(candidate)

        def migrate(self, from_version):
            pass

        def health(self):
            try:
                return HealthReport(True, ready())
            except Exception as why:
                told = str(why) if isinstance(why, PluginError) else shown(why)
                return HealthReport(False, line(told))

    return guard(Life)
