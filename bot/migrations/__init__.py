"""The database's schema through time: Alembic revisions over both packages' tables."""
