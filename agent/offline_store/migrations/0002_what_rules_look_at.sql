-- What rules may look at besides price and category. Lists of names are separated by spaces, taxes are "name:rate" with
-- the rate in basis points.
ALTER TABLE items ADD COLUMN more_categories TEXT NOT NULL DEFAULT '';
ALTER TABLE items ADD COLUMN brand TEXT;
ALTER TABLE items ADD COLUMN tags TEXT NOT NULL DEFAULT '';
ALTER TABLE items ADD COLUMN member_price_minor INTEGER;
ALTER TABLE items ADD COLUMN floor_minor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE items ADD COLUMN reduced INTEGER NOT NULL DEFAULT 0 CHECK (reduced IN (0, 1));
ALTER TABLE items ADD COLUMN excluded INTEGER NOT NULL DEFAULT 0 CHECK (excluded IN (0, 1));
ALTER TABLE items ADD COLUMN taxes TEXT NOT NULL DEFAULT '';
