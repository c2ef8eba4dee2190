-- read_contents_of_archived
select
    \ir parts/contents.sql
    , case when octet_length(j.result::text) <= :longest::integer then j.result::text end as result, null::text as reason
from unnest(:ids::uuid[], :finished_ats::timestamptz[]) as asked (id, finished_at)
join simple_queue.archive j on j.id = asked.id and j.finished_at = asked.finished_at
