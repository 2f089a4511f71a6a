# SPDX-License-Identifier: Apache-2.0
"""Events, and how far they were delivered; when a token was spent that its session does not name.

The previous release goes on beside this schema; what it does meanwhile has no events. The index that goes served no
query.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outbox_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kept", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox_head"),
    )
    op.create_table(
        "outbox",
        sa.Column(
            "sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("event_id", sa.String(length=128), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=True),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("sequence", name="pk_outbox"),
    )
    op.create_index("ix_outbox_at_ms", "outbox", ["at_ms"], unique=False)
    op.create_index(
        "ix_outbox_tenant_id_user_id",
        "outbox",
        ["tenant_id", "user_id"],
        unique=False,
        sqlite_where=sa.text("metadata IS NOT NULL"),
        postgresql_where=sa.text("metadata IS NOT NULL"),
    )
    op.create_table(
        "relays",
        sa.Column("sink", sa.String(length=128), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.String(length=128), nullable=False),
        sa.Column("lease_until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sink", name="pk_relays"),
    )
    op.execute(sa.text("INSERT INTO outbox_head (id, seq, kept) VALUES (1, 0, 0)"))
    op.add_column("session_tokens", sa.Column("spent_ms", sa.BigInteger(), nullable=True))
    op.drop_index("ix_session_tokens_session_id", table_name="session_tokens")
