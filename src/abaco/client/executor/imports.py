"""What a function needs where it is called: the modules that its pickle names, and those that its code imports."""

import dis
import functools
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import cloudpickle

__all__ = ["imports_of"]


def imports_of(function: Any) -> set[str]:
    """The first parts of the names of modules, such as ``numpy``; of what is sent whole also those it uses."""
    found: set[str] = set()
    seen: set[int] = set()
    left = [function]
    while left:
        each = left.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, ModuleType):
            found.add(_top(each.__name__))
        elif isinstance(each, functools.partial):
            left += [each.func, *each.args, *each.keywords.values()]
        elif isinstance(each, MethodType):
            left += [each.__func__, type(each.__self__)]
        elif (module := _module_by_name(each)) is not None:
            found.add(_top(module))
        elif isinstance(each, FunctionType):
            found |= {_top(name) for code in _codes(each.__code__) for name in _imported(code)}
            left += _used(each)
        elif isinstance(each, type):
            left += [value for value in vars(each).values() if isinstance(value, FunctionType)]
    return found


def _top(name: str) -> str:
    return name.partition(".")[0]


def _module_by_name(value: Any) -> str | None:
    """The module that `value` is looked up in when it is unpickled; None if it is sent whole, or is no function."""
    if not (callable(value) and hasattr(value, "__module__") and hasattr(value, "__qualname__")):
        return None
    name = value.__module__
    parents = {name[:end] for end in range(len(name or "") + 1) if end == len(name or "") or (name or "")[end] == "."}
    is_whole = name in {None, "__main__"} or "<locals>" in value.__qualname__ or "<lambda>" in value.__qualname__
    if is_whole or parents & cloudpickle.list_registry_pickle_by_value() or name not in sys.modules:
        return None
    return str(name)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _imported(code: CodeType) -> Iterator[str]:
    for instruction in dis.get_instructions(code):
        if instruction.opname == "IMPORT_NAME" and instruction.argval:
            yield instruction.argval


def _loaded(code: CodeType) -> Iterator[str]:
    """Names of globals; `co_names` has attributes, too."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}:
            yield instruction.argval


def _used(function: FunctionType) -> list[Any]:
    """Globals and variables of enclosing functions that its code names."""
    names = {name for code in _codes(function.__code__) for name in _loaded(code)}
    values = [function.__globals__[name] for name in names if name in function.__globals__]
    for cell in function.__closure__ or ():
        try:
            values.append(cell.cell_contents)
        except ValueError:  # not assigned yet
            continue
    return values
