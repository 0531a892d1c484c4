-- What members spent here lately, for what a pack lets one spend in a day: rows older than three days are taken away.
CREATE TABLE member_spent (
    member_key BLOB    NOT NULL,
    asset      TEXT    NOT NULL,
    wall_ms    INTEGER NOT NULL,
    amount     INTEGER NOT NULL
) STRICT;
CREATE INDEX member_spent_by ON member_spent (member_key, asset, wall_ms, amount);
CREATE INDEX member_spent_when ON member_spent (wall_ms);

-- Wrong PINs of members in a row; members in the cache alone are counted.
CREATE TABLE member_pin_tries (
    member_key BLOB    PRIMARY KEY,
    count      INTEGER NOT NULL,
    last_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
