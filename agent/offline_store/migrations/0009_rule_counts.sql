-- How often rules that count have acted for a member here, by the epoch of the sale.
CREATE TABLE rule_times (
    member_key BLOB    NOT NULL,
    rule       TEXT    NOT NULL,
    epoch      INTEGER NOT NULL,
    times      INTEGER NOT NULL,
    PRIMARY KEY (member_key, rule, epoch)
) STRICT, WITHOUT ROWID;
INSERT INTO rule_times
    SELECT member_key, rule, coalesce((SELECT max(epoch) FROM identity), 1), times FROM member_times;
DROP TABLE member_times;

-- The same lately, sale by sale, member or not, for what is allowed in a day: rows older than three days are taken away.
CREATE TABLE rule_days (
    transaction_id BLOB    NOT NULL,
    rule           TEXT    NOT NULL,
    member_key     BLOB,
    epoch          INTEGER NOT NULL,
    wall_ms        INTEGER NOT NULL,
    times          INTEGER NOT NULL,
    PRIMARY KEY (transaction_id, rule)
) STRICT, WITHOUT ROWID;
CREATE INDEX rule_days_by ON rule_days (rule, wall_ms);
CREATE INDEX rule_days_when ON rule_days (wall_ms);
