"""Which ended epochs of tills were seen to go another way than what is here of them."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("epoch_starts", sa.Column("differs", sa.Boolean(), nullable=False, server_default=sa.false()))
