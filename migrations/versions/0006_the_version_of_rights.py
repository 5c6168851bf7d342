"""What roles grant has a version, which triggers change with any change of it, whoever makes it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = ("ab_permission", "ab_view_menu", "ab_permission_view", "ab_permission_view_role")
EVENTS = ("INSERT", "UPDATE", "DELETE")


def upgrade() -> None:
    op.create_table(
        "rights_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(length=36), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_rights_version_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rights_version")),
    )
    if op.get_bind().dialect.name == "postgresql":
        _upgrade_postgresql()
    else:
        _upgrade_sqlite()


def _upgrade_postgresql() -> None:
    op.execute("INSERT INTO rights_version (id, version) VALUES (1, gen_random_uuid()::text)")
    op.execute("""
        CREATE FUNCTION rights_changed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE rights_version SET version = gen_random_uuid()::text;
            RETURN NULL;
        END $$
    """)
    # Before the statement: whoever changes rights first waits for who changes them already, and each state that
    # others see has a version of its own.
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER rights_changed BEFORE {' OR '.join((*EVENTS, 'TRUNCATE'))} ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION rights_changed()"
        )


def _upgrade_sqlite() -> None:
    op.execute("INSERT INTO rights_version (id, version) VALUES (1, lower(hex(randomblob(16))))")
    change = "UPDATE rights_version SET version = lower(hex(randomblob(16)))"
    for table in TABLES:
        for event in EVENTS:
            name = f"{table}_rights_{event.lower()}"
            op.execute(f"CREATE TRIGGER {name} AFTER {event} ON {table} BEGIN {change}; END")


def downgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for table in TABLES:
        if is_postgresql:
            op.execute(f"DROP TRIGGER rights_changed ON {table}")
            continue
        for event in EVENTS:
            op.execute(f"DROP TRIGGER {table}_rights_{event.lower()}")
    if is_postgresql:
        op.execute("DROP FUNCTION rights_changed()")
    op.drop_table("rights_version")
