"""The accumulator: adds the numbers it is sent into its state.

Message: ``{"count": number}`` or ``{"count": {name: number, ...}}``. The state starts out empty and gets the shape
of the messages: ``{"count": sum}`` or ``{"count": {name: sum, ...}}``. The two cannot be mixed in one actor.
"""

import ast
import sys
from typing import Any

from abaco.actors import get_context, update_state


def add(total: Any, count: Any) -> Any:
    """`total` with `count` added; a `total` of None is one not started yet."""
    if isinstance(count, dict):
        if total is not None and not isinstance(total, dict):
            raise TypeError(f"The state holds one number ({total}); the message has a sum for each name.")
        sums = dict(total or {})
        for name, number in count.items():
            sums[name] = add(sums.get(name, 0), number)
        return sums
    if isinstance(count, bool) or not isinstance(count, int | float):
        raise TypeError(f"'count' must be a number or a dictionary of numbers, not {count!r}.")
    if isinstance(total, dict):
        raise TypeError(f"The state holds a sum for each name; the message has one number ({count}).")
    return (total or 0) + count


def main() -> None:
    context = get_context()
    state = ast.literal_eval(context.state or "{}")
    if "count" not in context.message_dict:
        sys.exit("The message must be a dictionary with 'count': a number, or a dictionary of numbers.")
    try:
        state["count"] = add(state.get("count"), context.message_dict["count"])
    except TypeError as error:
        sys.exit(str(error))
    update_state(state)
    print(f"The state is now: {state}"[:1000])


if __name__ == "__main__":
    main()
