-- describe_schema
-- The tables, views and functions of the schema with what a release relies on, as one value in which the name of the
-- schema is the default one. Days of the archive are left out.
select jsonb_build_object(
    'tables', coalesce((
        select jsonb_object_agg(c.relname, jsonb_build_object(
            'kind', c.relkind::text,
            'is_logged', c.relpersistence = 'p',
            'options', coalesce((
                select jsonb_object_agg(o.option_name, o.option_value)
                from pg_options_to_table(c.reloptions) o
            ), '{}'),
            'columns', coalesce((
                select jsonb_object_agg(a.attname, jsonb_build_object(
                    'type', format_type(a.atttypid, a.atttypmod)
                        || case when l.collname = 'C' then ' collate "C"' else '' end,
                    'not_null', a.attnotnull,
                    'default', case when a.attgenerated = '' then pg_get_expr(d.adbin, d.adrelid) end,
                    'generated', case when a.attgenerated <> '' then pg_get_expr(d.adbin, d.adrelid) end
                ))
                from pg_attribute a
                left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
                left join pg_collation l on l.oid = a.attcollation
                where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            ), '{}'),
            'constraints', coalesce((
                select jsonb_object_agg(k.conname, pg_get_constraintdef(k.oid))
                from pg_constraint k
                -- From version 18 on there is one for each column that is not null.
                where k.conrelid = c.oid and k.contype in ('c', 'f', 'p', 'u', 'x')
            ), '{}'),
            'indexes', coalesce((
                select jsonb_object_agg(i.relname, jsonb_build_object(
                    'definition', regexp_replace(
                        pg_get_indexdef(x.indexrelid), '^(.*? ON )(ONLY )?.*?\.', '\1simple' || '_queue.'
                    ),
                    'is_valid', x.indisvalid and x.indisready
                ))
                from pg_index x
                join pg_class i on i.oid = x.indexrelid
                where x.indrelid = c.oid and not exists (
                    select from pg_constraint k where k.conindid = x.indexrelid and k.contype in ('p', 'u', 'x')
                )
            ), '{}')
        ))
        from pg_class c
        where c.relnamespace = n.oid and c.relkind in ('r', 'p', 'v') and not c.relispartition
    ), '{}'),
    'functions', coalesce((
        select jsonb_object_agg(p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', jsonb_build_object(
            'returns', pg_get_function_result(p.oid),
            'has_owners_rights', p.prosecdef,
            'settings', to_jsonb(coalesce(p.proconfig, '{}')),
            'body', encode(sha256(convert_to(
                replace(p.prosrc, '"' || n.nspname || '".', 'simple' || '_queue.'), 'UTF8'
            )), 'hex')
        ))
        from pg_proc p
        where p.pronamespace = n.oid
    ), '{}')
) as described
from pg_namespace n
where n.oid = to_regnamespace(split_part('simple_queue.', '.', 1))
