"""How often an item's text changed without a new title or date."""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not in a batch, which makes the table anew: the search index's triggers hang on it.
    op.add_column('item', sa.Column('rewordings', sa.Integer(), server_default='0', nullable=False))
