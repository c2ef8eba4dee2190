-- lock_migrations
-- Takes a right on the table, so that a role without one cannot hold up a migration.
lock table simple_queue.migrations in share row exclusive mode
