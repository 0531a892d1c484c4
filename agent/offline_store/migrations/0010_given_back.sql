-- By which transaction a member spent here, so that a return gives its part of the day's allowance back.
ALTER TABLE member_spent ADD COLUMN transaction_id BLOB;
CREATE INDEX member_spent_of ON member_spent (transaction_id) WHERE transaction_id IS NOT NULL;
