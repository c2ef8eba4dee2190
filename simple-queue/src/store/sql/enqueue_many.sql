-- enqueue_many
-- For a role that may not insert itself.
select id, outcome from simple_queue.enqueue_many(:jobs::jsonb, :repeated)
