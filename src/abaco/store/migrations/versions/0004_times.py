"""Where the time of an execution went, why its message waits, and limits of an actor's and a message's own."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("claimed_at", "prepared_at", "first_output_at", "recorded_at"):
        op.add_column("executions", sa.Column(name, sa.BigInteger(), nullable=True))
    op.add_column("actors", sa.Column("max_run_time", sa.BigInteger(), nullable=True))
    op.add_column("actors", sa.Column("gpus", sa.Text(), nullable=True))
    op.add_column("messages", sa.Column("max_run_time", sa.Double(), nullable=True))
    op.add_column("messages", sa.Column("retry_reason", sa.Text(), nullable=True))
