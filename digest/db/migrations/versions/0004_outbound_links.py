"""Links of posts to works elsewhere."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'outbound_link',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('source_id', sa.String(), nullable=False),
        sa.Column('guid', sa.String(), nullable=False),
        sa.Column('key', sa.String(), nullable=False),
        sa.Column('url', sa.String(), nullable=False),
        sa.Column('anchor', sa.String(), nullable=False),
        sa.Column('text', sa.String(), nullable=False),
        sa.Column('page_url', sa.String(), nullable=False),
        sa.Column('page_title', sa.String(), nullable=False),
        sa.Column('at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint('id'),
        sa.UniqueConstraint('source_id', 'guid', 'key'),
    )
    op.create_index('ix_outbound_link_key', 'outbound_link', ['key'])
    op.create_index('ix_outbound_link_at', 'outbound_link', ['at'])
