"""What SQLite and PostgreSQL differ in."""
