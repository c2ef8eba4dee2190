-- lock_migrations
-- Requires a right on the table, so a role without one cannot hold up a migration.
lock table simple_queue.migrations in share row exclusive mode
