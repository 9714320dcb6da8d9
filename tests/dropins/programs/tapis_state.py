"""The same for Tapis v3: tapipy.actors."""
from tapipy.actors import get_client, get_context, update_state

context = get_context()
print('message: {}'.format(context.message_dict['key']))
print('content type: {}'.format(context['content_type']))
t = get_client()
actor = t.actors.get_actor(actor_id=context.actor_id)
print('image: {}'.format(actor.image))
update_state({'key': context.message_dict['key']})
print('state: {}'.format(t.actors.get_state(actor_id=context.actor_id).state.key))
rsp = t.actors.send_message(actor_id=context.message_dict['next'], message='from tapis')
print('sent: {}'.format(rsp.execution_id))
