-- drop_database
-- Drops the database of a test, and ends the sessions that are left in it. The name is written into the text.
drop database if exists the_copy with (force)
