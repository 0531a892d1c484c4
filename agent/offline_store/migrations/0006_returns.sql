-- Goods of earlier sales that came back here, by the sale: what each return gave and took, so that the next return of
-- the same sale knows it at once. units is a CBOR array, one number for each line of the sale.
CREATE TABLE returns_taken (
    transaction_id   BLOB    PRIMARY KEY,
    original         BLOB    NOT NULL,
    units            BLOB    NOT NULL,
    refund_minor     INTEGER NOT NULL,
    to_stored_minor  INTEGER NOT NULL,
    points_back      INTEGER NOT NULL,
    points_restored  INTEGER NOT NULL,
    bonus_back_minor INTEGER NOT NULL
) STRICT;
CREATE INDEX returns_taken_original ON returns_taken (original);

-- Packs that priced here before the one before the active one: a return is reckoned by the pack of its sale.
CREATE TABLE packs_kept (
    digest  BLOB    PRIMARY KEY,
    version INTEGER NOT NULL,
    sealed  BLOB    NOT NULL
) STRICT, WITHOUT ROWID;
