# SPDX-License-Identifier: Apache-2.0
"""Sessions that slide, are counted and have limits; keys of clients.

The previous release goes on beside this schema: what it does not know has a default or may be NULL. Nothing is copied:
but for the new indexes the size of the database does not matter.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_keys",
        sa.Column("access_key_id", sa.String(length=64), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("master_key_id", sa.String(length=64), nullable=False),
        sa.Column("grants", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("access_key_id", name="pk_access_keys"),
    )
    op.create_table(
        "gateway_keys",
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("master_key_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key_id", name="pk_gateway_keys"),
    )
    for table in ("access_keys", "gateway_keys"):
        op.create_index(f"ix_{table}_tenant_id_created_at", table, ["tenant_id", "created_at"], unique=False)
    for column in (
        sa.Column("last_activity_ms", sa.BigInteger(), nullable=True),
        sa.Column("span_seconds", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("newest_jti", sa.String(length=64), nullable=True),
        sa.Column("newest_expires_at", sa.BigInteger(), nullable=True),
        sa.Column("newest_payload", sa.LargeBinary(), nullable=True),
        sa.Column("newest_kid", sa.String(length=128), nullable=True),
        sa.Column("access_key_id", sa.String(length=64), nullable=True),
        sa.Column("stopped", sa.Boolean(), server_default=sa.false(), nullable=False),
    ):
        op.add_column("sessions", column)
    op.execute(
        sa.text(
            "UPDATE sessions SET stopped = (1 = 1) WHERE revoked_ms IS NOT NULL OR locked OR created_ms <= "
            "(SELECT cutoff_ms FROM subjects"
            " WHERE subjects.tenant_id = sessions.tenant_id AND subjects.subject = sessions.subject)"
        )
    )
    op.drop_index("ix_sessions_tenant_id_subject_created_ms", table_name="sessions")
    for columns in (
        ["tenant_id", "created_ms", "session_id"],
        ["tenant_id", "subject", "created_ms", "session_id", "over_ms"],
        ["tenant_id", "surface", "stopped", "over_ms"],
    ):
        op.create_index("ix_sessions_" + "_".join(columns), "sessions", columns, unique=False)
    for columns, condition in (
        (["tenant_id", "subject", "over_ms"], sa.text("revoked_ms IS NULL")),
        (["access_key_id", "over_ms"], sa.text("access_key_id IS NOT NULL")),
    ):
        op.create_index(
            "ix_sessions_" + "_".join(columns),
            "sessions",
            columns,
            unique=False,
            sqlite_where=condition,
            postgresql_where=condition,
        )
