-- Plain PostgreSQL has no background policies; the aggregate is a view.
SELECT 1;
