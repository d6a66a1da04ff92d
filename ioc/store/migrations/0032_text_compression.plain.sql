-- Plain PostgreSQL compresses nothing.
SELECT 1;
