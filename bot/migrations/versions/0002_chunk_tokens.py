"""token vectors of chunks

Revision: 0002, after 0001, 2026-11-23 00:16:00
"""

import sqlalchemy as sa
from alembic import op


revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('kb_chunk_tokens',
    sa.Column('chunk', sa.String(length=64), nullable=False),
    sa.Column('document', sa.String(length=36), nullable=False),
    sa.Column('tokens', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('chunk', name=op.f('pk_kb_chunk_tokens'))
    )
    op.create_index('ix_kb_chunk_tokens_document', 'kb_chunk_tokens', ['document'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_kb_chunk_tokens_document', table_name='kb_chunk_tokens')
    op.drop_table('kb_chunk_tokens')
