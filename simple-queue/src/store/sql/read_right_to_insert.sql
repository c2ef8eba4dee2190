-- read_right_to_insert
select has_any_column_privilege('simple_queue.jobs', 'insert')
