-- create_migrations
-- The history of the migrations. The lock on this table is the right to migrate.
create table if not exists simple_queue.migrations (
    name       text        collate "C" not null,
    release    text        not null,
    checksum   bigint      not null,
    applied_at timestamptz not null default now(),
    constraint migrations_pkey primary key (name)
)
