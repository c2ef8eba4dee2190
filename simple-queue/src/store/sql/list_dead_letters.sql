-- list_dead_letters
-- The ids of dead letters, in their order and from the one after $5 on.
select d.id from simple_queue.dead_letters d
where ($1::uuid is null or d.id = $1)
    and ($2::text is null or d.queue = $2)
    and ($3::text is null or d.kind = $3)
    and ($4::text is null or d.status = $4)
    and ($5::uuid is null or d.id > $5)
order by d.id
limit $6
