"""A word sealed with the key of the personal data, to tell another key before it does harm."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "seal_check",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("word", sa.String(length=66), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal_check")),
    )


def downgrade() -> None:
    op.drop_table("seal_check")
