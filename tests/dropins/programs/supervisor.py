"""Looks after itself through the client: its description, its executions, its state, a log."""
from agavepy.actors import get_client, get_context

context = get_context()
ag = get_client()
me = ag.actors.get(actorId=context.actor_id)
print('name: {}'.format(me.name))
executions = ag.actors.listExecutions(actorId=context.actor_id)
print('running: {}'.format([e.id for e in executions.executions if e.status == 'RUNNING'] == [context.execution_id]))
ag.actors.updateState(actorId=context.actor_id, body={'seen': executions.totalExecutions})
print('state: {}'.format(ag.actors.getState(actorId=context.actor_id)['state']))
try:
    ag.actors.get(actorId='nosuchactor12')
except Exception as e:
    print('error: {}'.format(e))
