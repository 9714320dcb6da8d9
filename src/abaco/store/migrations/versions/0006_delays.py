"""Messages that are not to be executed before a moment."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("executions", sa.Column("not_before", sa.BigInteger(), nullable=True))
    some = sa.text("not_before IS NOT NULL")
    op.create_index("messages_by_moment", "messages", ["not_before"], sqlite_where=some, postgresql_where=some)
