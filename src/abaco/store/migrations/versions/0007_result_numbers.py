"""Results whose numbers are never used again, also where the one with the highest was taken: followers ask by them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_INDEXES = {
    "results_by_actor": ["actor_id"],
    "results_by_execution": ["execution_id", "seq"],
    "results_by_expiry": ["expires_at"],
}


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return  # PostgreSQL never did
    for name in _INDEXES:
        op.drop_index(name, "results")
    op.rename_table("results", "former_results")
    op.create_table(
        "results",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("execution_id", sa.String(length=32), nullable=False),
        sa.Column("actor_id", sa.String(length=32), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sqlite_autoincrement=True,
    )
    op.execute("INSERT INTO results SELECT seq, execution_id, actor_id, data, expires_at FROM former_results")
    op.drop_table("former_results")
    for name, columns in _INDEXES.items():
        op.create_index(name, "results", columns, unique=False)
