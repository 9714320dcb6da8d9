"""Messages itself until it has counted down, with the nonce that the first message came with."""
import os

from agavepy.actors import get_context
from agavepy.agave import Agave

context = get_context()
left = int(context.raw_message)
print('left: {}'.format(left))
if left > 0:
    nonce = context.get('x-nonce')
    ag = Agave(api_server=os.environ.get('_abaco_api_server'), use_nonce=True)
    ag.actors.sendMessage(actorId=context.actor_id, nonce=nonce, body={'message': str(left - 1)})
