-- record_migration
insert into simple_queue.migrations (name, release, checksum) values (:name, :release, :checksum)
on conflict (name) do update
set release = excluded.release, checksum = excluded.checksum, applied_at = now()
