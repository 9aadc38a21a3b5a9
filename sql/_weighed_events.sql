-- The rows of _counted_events.sql, each view with what it weighs by its place: see place_effects.
-- v_from: a midnight, and all events of the user are there: else places are unknown. v_untils, v_effects: place_effects.
select
    c.event_at,
    c.user_id,
    c.post_id,
    c.view_count,
    c.like_count,
    c.view_count * coalesce(
        v_effects[
            40 * (width_bucket(c.event_at::date, v_untils) - 1)
            + least(
                row_number() over (
                    partition by c.user_id, c.event_at::date, c.view_count order by c.event_at, c.post_id
                ),
                40
            )::integer
        ],
        1
    ) as effective_view_count
from (
--!include sql/_counted_events.sql
) as c
