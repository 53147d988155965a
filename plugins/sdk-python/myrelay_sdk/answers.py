"""Whether a plugin answers what the interface says. The engine hands answers over after the plugin's
last line, and where something is missing there, the call ends without a word of it."""

import dataclasses
import typing

_WORDS = {
    bytes: "bytes",
    float: "a number",
    int: "a whole number",
    str: "a text",
}


def _shown(value):
    """A value as an error shows it."""
    plain = value is None or isinstance(value, (bool, float, int, str))
    return repr(value)[:80] if plain else f"of the type {type(value).__name__}"


def _first(faults):
    return next((it for it in faults if it is not None), None)


def fault(value, kind, at=""):
    """What is wrong with a value that has to be of a kind, and where in it; None where nothing is."""

    def no(words):
        return f"{at or 'it'} has to be {words}, and is {_shown(value)}"

    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Union:
        if value is None and type(None) in parts:
            return None
        cases = [it for it in parts if it is not type(None)]
        if len(cases) == 1:
            return fault(value, cases[0], at)
        found = _first(it for it in cases if isinstance(value, it))
        names = ", ".join(it.__name__ for it in cases)
        return no(f"one of {names}") if found is None else fault(value, found, at)
    if origin is list:
        if not isinstance(value, list):
            return no("a list")
        return _first(fault(it, parts[0], f"{at}[{index}]") for index, it in enumerate(value))
    if origin is tuple:
        if not isinstance(value, tuple) or len(value) != len(parts):
            return no(f"a tuple of {len(parts)}")
        both = enumerate(zip(value, parts))
        return _first(fault(it, part, f"{at}[{index}]") for index, (it, part) in both)
    if dataclasses.is_dataclass(kind):
        # The engine takes whatever has its fields.
        below, inside = f"{at}." if at else "", dataclasses.fields(kind)
        if any(not hasattr(value, it.name) for it in inside):
            return no(f"of the type {kind.__name__}")
        return _first(fault(getattr(value, it.name), it.type, below + it.name) for it in inside)
    # What is no class is not looked at, and anything is true or false.
    if kind is bool or not isinstance(kind, type) or isinstance(value, kind):
        return None
    return no(_WORDS.get(kind, f"of the type {kind.__name__}"))


def wrong_answer(plugin, name, answer):
    """What is wrong with the answer of a function of a plugin's class, by what the interface says of
    it; None where nothing is, and where it answers nothing."""
    interface = (it for it in plugin.__mro__ if it.__module__.startswith("wit_world."))
    declared = (vars(it).get(name) for it in interface)
    kinds = (getattr(it, "__annotations__", {}).get("return") for it in declared)
    kind = _first(kinds)
    why = None if kind is None else fault(answer, kind)
    return why and f"what {name} answers: {why}"
