"""Prints what an actor may look at: attributes, items, its own variables, both content type names."""
import os

from agavepy import actors

context = actors.get_context()
print('greeting={}'.format(context.greeting))
print('color={}'.format(context['color']))
print('user={}'.format(context.username))
print('application={}'.format(context.message_dict.application_id))
print('ids={}'.format(context.actor_dbid.endswith(context.actor_id)))
print('types={} {}'.format(os.environ.get('_abaco_Content_Type'), os.environ['_abaco_Content-Type']))
print('content_type={}'.format(context.content_type))
print('has={}'.format(hasattr(context, 'nothing_of_this_name')))
print('reserved={}'.format('MSG' in actors.reserved_environment_vars()))
