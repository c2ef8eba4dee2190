-- drop_archive_day
-- Through a function, because dropping a table requires its ownership, which a worker does not have.
select simple_queue.drop_archive_day(:day)
