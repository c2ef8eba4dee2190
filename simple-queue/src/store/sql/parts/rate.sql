-- rate
-- The rate of a limit that is in force, and what follows from it: `within`, the seconds that a job may take to start
-- after its token, which is more than its least where a process needs more, and `step`, those in which a token comes.
-- `job::Rate` has the rule and its proof.
--
-- needs: l, a row of limits
-- gives: r (burst, spread, least_within, within, step); spread, into how many tokens the time of a strict rate is divided
cross join lateral (
    select coalesce(l.rate_set, l.rate) as rate
) as in_force
cross join lateral (
    select (in_force.rate->>'burst')::integer as burst,
        case when (in_force.rate->>'strict')::boolean then
            (in_force.rate->>'limit')::integer - (in_force.rate->>'burst')::integer + 1
        end as spread,
        (in_force.rate->>'start_within')::double precision as least_within,
        greatest((in_force.rate->>'start_within')::double precision, l.start_within) as within
) as known
cross join lateral (
    select known.*, coalesce(
        ((in_force.rate->>'per')::double precision + known.within) / known.spread,
        (in_force.rate->>'per')::double precision / (in_force.rate->>'limit')::integer
    ) as step
) as r
