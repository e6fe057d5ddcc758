"""A store on both engines, as the store's own tests have it."""

from unit.store.conftest import Postgres, connection, postgres, postgres_url, sqlite_url, store, url

__all__ = ["Postgres", "connection", "postgres", "postgres_url", "sqlite_url", "store", "url"]
