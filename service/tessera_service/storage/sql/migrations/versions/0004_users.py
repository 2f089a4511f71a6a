# SPDX-License-Identifier: Apache-2.0
"""Users, hits and one-time codes.

The previous release goes on beside this schema: all tables are new.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("permissions", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "user_id", name="pk_users"),
    )
    for name in ("username", "email", "phone"):
        op.create_index(f"ix_users_tenant_id_{name}", "users", ["tenant_id", name], unique=True)
    op.create_index(
        "ix_users_tenant_id_created_at_user_id", "users", ["tenant_id", "created_at", "user_id"], unique=False
    )
    op.create_table(
        "hit_keys",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("takes", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_hit_keys"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "hits",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("hit_id", sa.String(length=64), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("unheld_ms", sa.BigInteger(), nullable=False),
        sa.Column("held_by", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("key", "hit_id", name="pk_hits"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "codes",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("guesses", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_codes"),
        sqlite_with_rowid=False,
    )
    for table, columns in (
        ("hit_keys", ["expires_ms"]),
        ("hits", ["key", "expires_ms"]),
        ("hits", ["hit_id"]),
        ("hits", ["expires_ms"]),
        ("codes", ["expires_at"]),
    ):
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns, unique=False)
