"""Alembic's environment: runs on the connection that `Database.migrate` hands over."""

from alembic import context

from abaco.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
