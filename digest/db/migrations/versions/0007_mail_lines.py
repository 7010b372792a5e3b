"""Give an issue the subject and the preheader of its mail."""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ('subject', 'preheader'):
        op.add_column('issue', sa.Column(name, sa.String(), nullable=False, server_default=''))
