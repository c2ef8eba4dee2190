-- read_rights
-- What the role of this session may do with jobs.
select has_column_privilege('simple_queue.jobs', 'queue', 'select') as sees,
    has_column_privilege('simple_queue.jobs', 'job_data', 'select') as sees_contents,
    has_table_privilege('simple_queue.audit', 'insert') as leaves_traces,
    has_table_privilege('simple_queue.queues', 'update') as controls,
    has_table_privilege('simple_queue.jobs', 'insert') as inserts,
    has_table_privilege('simple_queue.jobs', 'update') as updates,
    has_table_privilege('simple_queue.jobs', 'delete') and has_table_privilege('simple_queue.dead_letters', 'insert')
        and has_table_privilege('simple_queue.dead_letters', 'delete')
        as ends
