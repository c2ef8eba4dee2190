-- drop_archive_day
-- In a function, because to drop a table takes its ownership, which a worker has not.
select simple_queue.drop_archive_day(:day)
