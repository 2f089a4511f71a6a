# SPDX-License-Identifier: Apache-2.0
"""Where events stand on PostgreSQL before they have a place in the outbox.

The previous release goes on beside this schema: it gives places at once, and reads no others.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE outbox_unnumbered")
