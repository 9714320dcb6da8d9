"""Counts words and posts the counts to the actor named in the message, by the client."""
import json
from agavepy.actors import get_client, get_context, send_bytes_result


def main():
    context = get_context()
    m = context.message_dict
    counts = {}
    for w in m.text.split():
        counts[w] = counts.get(w, 0) + 1
    send_bytes_result(json.dumps(counts).encode('utf-8'))
    ag = get_client()
    rsp = ag.actors.sendMessage(actorId=m.reducer,
                                body={'message': {'count': sum(counts.values())}},
                                environment={'sent_by': context.actor_id})
    print('execution: {}'.format(rsp.executionId))
    print('link: {}'.format(rsp['_links']['self']))


if __name__ == '__main__':
    main()
