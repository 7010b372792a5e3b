"""Give tables and columns the words of the field."""

from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

TABLES = {
    'sheet_version': 'draft_version',
    'note': 'prediction',
    'model_call': 'llm_call',
    'model_answer': 'cached_answer',
    'run_count': 'source_result',
    'lease': 'lock',
    'setting': 'key_value',
}
COLUMNS = {
    'source_state': {'wishes': 'polling_hints'},
    'mention': {'words': 'text'},
    'issue': {'sheet_digest': 'draft_digest'},
    'pick': {'verdict': 'grounding_status', 'note': 'is_brief'},
}
INDEXED = {
    'sheet_version': ['period'],
    'note': ['year'],
    'model_call': ['at', 'run_id'],
    'model_answer': ['item_id'],
    'run_count': ['run_id', 'source_id'],
}


def upgrade() -> None:
    for old, new in TABLES.items():
        op.rename_table(old, new)
        for column in INDEXED.get(old, []):
            op.drop_index(f'ix_{old}_{column}', new)
            op.create_index(f'ix_{new}_{column}', new, [column])
    for table, columns in COLUMNS.items():
        for old, new in columns.items():
            op.execute(f'ALTER TABLE {table} RENAME COLUMN {old} TO {new}')
    op.execute("UPDATE decision SET origin = 'draft' WHERE origin = 'sheet'")
