-- finish
delete from job where id = any ($1) and lease = $2
