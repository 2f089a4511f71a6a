# SPDX-License-Identifier: Apache-2.0
"""What alembic runs: the migrations over the connection, and inside the transaction, that it was given."""

from alembic import context

from tessera_service.storage.sql.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
