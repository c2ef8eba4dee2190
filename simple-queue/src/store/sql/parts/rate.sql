-- rate
-- The rate of a limit that is in force, and what follows from it: `within`, the seconds that a job may take to start
-- after its token, which is more than its least where a process needs more, and `step`, those in which a token comes.
-- `job::Rate` has the rule and its proof.
--
-- Tokens of a window of the calendar are all there at its beginning. They are counted by the same rule, as if a token
-- came in an equal part of the window, but with the end of the window for the present: what was taken in it counts
-- until then, and what is owed beyond the limit counts in the next one.
--
-- needs: l, a row of limits
-- gives: r (burst, spread, least_within, within, step, until, slack); spread, into how many tokens the time of a strict
--     rate is divided; until, the end of the window, null: there is none; slack, for the rounding of times
cross join lateral (
    select coalesce(l.rate_set, l.rate) as rate
) as in_force
cross join lateral (
    select (in_force.rate->>'burst')::integer as burst,
        case when (in_force.rate->>'strict')::boolean then
            (in_force.rate->>'limit')::integer - (in_force.rate->>'burst')::integer + 1
        end as spread,
        (in_force.rate->>'start_within')::double precision as least_within,
        greatest((in_force.rate->>'start_within')::double precision, l.start_within) as within,
        (in_force.rate->>'limit')::integer as most,
        date_trunc(in_force.rate->>'window', now() at time zone (in_force.rate->>'tz')) as since
) as known
cross join lateral (
    select (known.since + ('1 ' || (in_force.rate->>'window'))::interval)
        at time zone (in_force.rate->>'tz') as until
) as ends
cross join lateral (
    select known.*, ends.until, case when ends.until is null then 0 else 0.25 end as slack, coalesce(
        extract(epoch from ends.until - (known.since at time zone (in_force.rate->>'tz')))::double precision / known.most,
        ((in_force.rate->>'per')::double precision + known.within) / known.spread,
        (in_force.rate->>'per')::double precision / known.most
    ) as step
) as r
