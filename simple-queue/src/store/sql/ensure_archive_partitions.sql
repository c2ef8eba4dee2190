-- ensure_archive_partitions
select simple_queue.ensure_archive_partitions($1)
