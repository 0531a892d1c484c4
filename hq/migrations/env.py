"""What alembic runs to bring a database up: on the connection handed to it, inside that connection's transaction."""

from alembic import context


def migrate_handed_connection() -> None:
    context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


# Alembic executes this file under the name env_py; an ordinary import must do nothing.
if __name__ == "env_py":
    migrate_handed_connection()
