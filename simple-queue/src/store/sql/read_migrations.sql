-- read_migrations
select name, release, checksum from simple_queue.migrations
