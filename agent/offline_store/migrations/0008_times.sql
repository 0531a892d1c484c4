-- How often a rule that counts its members has acted for a member here.
CREATE TABLE member_times (
    member_key BLOB    NOT NULL,
    rule       TEXT    NOT NULL,
    times      INTEGER NOT NULL,
    PRIMARY KEY (member_key, rule)
) STRICT, WITHOUT ROWID;
