"""Give a pick the editor's verdict, and call a published pick's grounding what its row calls it."""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

SNAPSHOT = sa.table('issue_snapshot', sa.column('id', sa.Integer), sa.column('view', sa.JSON))


def upgrade() -> None:
    op.add_column('pick', sa.Column('verdict', sa.String(), nullable=False, server_default=''))
    connection = op.get_bind()
    for number, view in connection.execute(sa.select(SNAPSHOT.c.id, SNAPSHOT.c.view)).all():
        sections = [*view.get('sections', []), *view.get('by_month', [])]
        for pick in [*(pick for section in sections for pick in section['picks']), *view.get('missed', [])]:
            if 'grounding_status' not in pick:
                pick['grounding_status'] = pick.pop('verdict', 'quoted')
        connection.execute(sa.update(SNAPSHOT).where(SNAPSHOT.c.id == number).values(view=view))
