-- read_session_mark
select current_setting('simple_queue.session', true) is not distinct from 'own'
