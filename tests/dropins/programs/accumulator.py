"""Keeps a sum in the actor's state, the way old reducers do: state and message are Python literals."""
from __future__ import print_function

import ast

from agavepy.actors import get_context, update_state


def main():
    context = get_context()
    try:
        state = ast.literal_eval(context['state'])
    except Exception as e:
        print("Couldn't parse state: {}".format(e))
        state = {}
    total = state.get('total', 0)
    count = int(context['message_dict']['count'])
    print('adding {} to {}'.format(count, total))
    update_state({'total': total + count, 'last': context.execution_id})


if __name__ == '__main__':
    main()
