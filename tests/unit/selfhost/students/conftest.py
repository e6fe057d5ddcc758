"""The store's fixtures: both engines."""

from unit.store.conftest import connection, postgres, postgres_url, sqlite_url, store, url

__all__ = ["connection", "postgres", "postgres_url", "sqlite_url", "store", "url"]
