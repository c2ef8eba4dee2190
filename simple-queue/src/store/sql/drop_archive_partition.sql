-- drop_archive_partition
drop table if exists simple_queue.archive_partition
