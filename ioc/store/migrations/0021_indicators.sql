-- Who wrote each version of a definition: the city's files, or a person in the product.

ALTER TABLE indicator ADD COLUMN changed_by text NOT NULL DEFAULT 'city';
ALTER TABLE indicator ALTER COLUMN changed_by DROP DEFAULT;
COMMENT ON TABLE indicator IS 'every version of the definition of every indicator';
