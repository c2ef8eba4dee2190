-- finish_detaching_archive_partition
alter table simple_queue.archive detach partition simple_queue.archive_partition finalize
