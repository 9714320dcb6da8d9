"""Runs a pickled function: the far end of AbacoExecutor."""
import cloudpickle

from agavepy.actors import get_binary_message, send_python_result


def main():
    raw_message = get_binary_message()
    try:
        m = cloudpickle.loads(raw_message)
    except Exception as e:
        print("Got exception: {} trying to loads raw_message: {}.".format(e, raw_message))
        raise e
    f = m.get('func')
    args = m.get('args')
    kwargs = m.get('kwargs')
    try:
        result = f(*args, **kwargs)
    except Exception as e:
        print("Got exception trying to call f: {}. Exception: {}".format(f, e))
        return
    send_python_result(result)


if __name__ == '__main__':
    main()
