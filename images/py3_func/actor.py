"""Calls a pickled Python function and sends back what it returned: the far end of `submit` and `map`.

Message: binary, the cloudpickle of ``{"func": function, "args": [...], "kwargs": {...}}``. If the function raises, the
execution fails: the traceback is its log and the exit code is 1.
"""

import cloudpickle

from abaco.actors import get_binary_message, send_python_result


def main() -> None:
    call = cloudpickle.loads(get_binary_message())
    send_python_result(call["func"](*call.get("args", ()), **call.get("kwargs", {})))


if __name__ == "__main__":
    main()
