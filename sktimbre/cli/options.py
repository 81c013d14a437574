"""Options that several commands share."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, get_type_hints

__all__ = ["takes"]


def takes(command: Callable[..., None], options: dict[str, Any], into: str) -> Callable[..., None]:
    """Return a command that has further options; those that are given are passed as a dictionary.

    Parameters
    ----------
    command : callable
        A command with a parameter ``into``.
    options : dict of str to type
        Annotated types of the options by name; their default is None, not given.
    into : str
        Name of the parameter that gets the dictionary.
    """

    @wraps(command)
    def with_options(**arguments: Any) -> None:
        given = {name: arguments.pop(name) for name in options}
        given = {name: value for name, value in given.items() if value not in (None, [])}
        command(**{into: given}, **arguments)

    keyword = inspect.Parameter.KEYWORD_ONLY
    signature = inspect.signature(command)
    own = [p.replace(kind=keyword) for name, p in signature.parameters.items() if name != into]
    added = [inspect.Parameter(n, keyword, annotation=a, default=None) for n, a in options.items()]
    # Options that all commands have come last.
    last = next((i for i, p in enumerate(own) if p.name in ("dry_run", "overwrite", "as_json")), len(own))
    hints = get_type_hints(command, include_extras=True)
    hints.pop(into, None)
    with_options.__signature__ = signature.replace(parameters=[*own[:last], *added, *own[last:]])  # type: ignore[attr-defined]
    with_options.__annotations__ = hints | options
    return with_options
