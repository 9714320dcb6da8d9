"""The Store on SQLite and PostgreSQL: one set of statements, in SQLAlchemy Core."""
