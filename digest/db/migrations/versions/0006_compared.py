"""Record which items were compared with others, so that a killed run is made good."""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('item_vector', sa.Column('is_compared', sa.Boolean(), nullable=False, server_default=sa.true()))
    op.create_index('ix_item_vector_is_compared', 'item_vector', ['is_compared'])
