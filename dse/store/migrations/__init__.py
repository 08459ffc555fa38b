"""Alembic's migrations of the store, one file each; `dse.store.upgrade` runs them."""
