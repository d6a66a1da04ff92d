-- The hourly aggregate is refreshed behind the data.
SELECT add_continuous_aggregate_policy('observation_hour',
    start_offset => INTERVAL '40 days', end_offset => INTERVAL '1 hour',
    schedule_interval => INTERVAL '15 minutes');
