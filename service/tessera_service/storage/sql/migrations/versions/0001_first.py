# SPDX-License-Identifier: Apache-2.0
"""Tenants, service tokens, signing keys, sessions and the revocation log."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "log_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("log_id", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_log_head"),
    )
    op.create_table(
        "meta",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_meta"),
    )
    op.create_table(
        "revocation_log",
        sa.Column(
            "sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("cutoff_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_revocation_log"),
    )
    op.create_index("ix_revocation_log_expires_at", "revocation_log", ["expires_at"], unique=False)
    op.create_index(
        "ix_revocation_log_jti",
        "revocation_log",
        ["key"],
        unique=True,
        sqlite_where=sa.text("kind = 'jti'"),
        postgresql_where=sa.text("kind = 'jti'"),
    )
    op.create_index(
        "ix_revocation_log_subject",
        "revocation_log",
        ["tenant_id", "key"],
        unique=False,
        sqlite_where=sa.text("kind = 'subject'"),
        postgresql_where=sa.text("kind = 'subject'"),
    )
    op.create_table(
        "service_tokens",
        sa.Column("jti", sa.String(length=64), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("permissions", sa.Text(), nullable=False),
        sa.Column("all_tenants", sa.Boolean(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("jti", name="pk_service_tokens"),
    )
    op.create_index("ix_service_tokens_created_ms", "service_tokens", ["created_ms"], unique=False)
    op.create_index("ix_service_tokens_expires_at", "service_tokens", ["expires_at"], unique=False)
    op.create_index(
        "ix_service_tokens_tenant_id_created_ms", "service_tokens", ["tenant_id", "created_ms"], unique=False
    )
    op.create_table(
        "session_tokens",
        sa.Column("jti", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("jti", name="pk_session_tokens"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_session_tokens_expires_at", "session_tokens", ["expires_at"], unique=False)
    op.create_index("ix_session_tokens_session_id", "session_tokens", ["session_id"], unique=False)
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.String(length=128), nullable=False),
        sa.Column("public_jwk", sa.Text(), nullable=False),
        sa.Column("private_pem", sa.Text(), nullable=True),
        sa.Column("master_key_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("activates_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_keys"),
    )
    op.create_table(
        "subjects",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("cutoff_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "subject", name="pk_subjects"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tenants",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_tenants"),
    )
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("surface", sa.String(length=32), nullable=False),
        sa.Column("auth_method", sa.String(length=32), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("permissions", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("refresh_jti", sa.String(length=64), nullable=True),
        sa.Column("spent", sa.Text(), nullable=False),
        sa.Column("successor_access", sa.LargeBinary(), nullable=True),
        sa.Column("successor_refresh", sa.LargeBinary(), nullable=True),
        sa.Column("successor_kid", sa.String(length=128), nullable=True),
        sa.Column("successor_until_ms", sa.BigInteger(), nullable=True),
        sa.Column("revoked_ms", sa.BigInteger(), nullable=True),
        sa.Column("revoked_reason", sa.Text(), nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("over_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "subject"], ["subjects.tenant_id", "subjects.subject"], name="fk_sessions_subjects"
        ),
        sa.PrimaryKeyConstraint("session_id", name="pk_sessions"),
    )
    op.create_index("ix_sessions_over_ms", "sessions", ["over_ms"], unique=False)
    op.create_index(
        "ix_sessions_successor_until_ms",
        "sessions",
        ["successor_until_ms"],
        unique=False,
        sqlite_where=sa.text("successor_until_ms IS NOT NULL"),
        postgresql_where=sa.text("successor_until_ms IS NOT NULL"),
    )
    op.create_index(
        "ix_sessions_tenant_id_subject_created_ms", "sessions", ["tenant_id", "subject", "created_ms"], unique=False
    )
    # One life of the directory and of its log: made once, with the database.
    op.execute(
        sa.text("INSERT INTO meta (name, value) VALUES ('directory_id', :id)").bindparams(id=secrets.token_hex(16))
    )
    op.execute(
        sa.text("INSERT INTO log_head (id, log_id, seq) VALUES (1, :id, 0)").bindparams(id=secrets.token_hex(16))
    )
