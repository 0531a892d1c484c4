-- How often rules that are allowed so often a day have acted in this shop, till by till, as head office last said.
CREATE TABLE shop_counts (
    rule     TEXT    NOT NULL,
    day      INTEGER NOT NULL,
    terminal TEXT    NOT NULL,
    epoch    INTEGER NOT NULL,
    times    INTEGER NOT NULL,
    PRIMARY KEY (rule, day, terminal, epoch)
) STRICT, WITHOUT ROWID;
