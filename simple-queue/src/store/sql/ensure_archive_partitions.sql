-- ensure_archive_partitions
select simple_queue.ensure_archive_partitions(:days_ahead)
