-- copy_database
-- Makes the database of a test. The two names are written into the text, and a server with other users copies by its
-- default strategy.
create database the_copy template the_template strategy file_copy
