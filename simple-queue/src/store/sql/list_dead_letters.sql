-- list_dead_letters
-- The ids of dead letters, sorted, from the one after :after on.
select d.id from simple_queue.dead_letters d
where (:id::uuid is null or d.id = :id)
    and (:queue::text is null or d.queue = :queue)
    and (:kind::text is null or d.kind = :kind)
    and (:status::text is null or d.status = :status)
    and (:after::uuid is null or d.id > :after)
order by d.id
limit :limit
