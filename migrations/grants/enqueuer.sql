-- An enqueuer: inserts jobs, and reads nothing. `psql -v role=NAME -f enqueuer.sql`, as the owner of the schema.
grant usage on schema simple_queue to :"role";
grant execute on function simple_queue.enqueue, simple_queue.enqueue_many to :"role";
