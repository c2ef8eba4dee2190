-- create_schema
create schema simple_queue
