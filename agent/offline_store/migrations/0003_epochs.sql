-- One chain of entries follows another in the same file: an epoch each. A place is epoch * 2^32 + seq, so that the
-- journal goes on growing at its end and needs no second index for its order.

-- A row for each epoch; the newest is the open one. acked is how far head office has acknowledged with its signature,
-- kept_after the place up to which old entries have been let go. carried is, where it is not NULL, up to where the epoch
-- before has been carried over, into this one or, where this one ended before all was, into a later one.
CREATE TABLE epochs (
    epoch             INTEGER PRIMARY KEY CHECK (epoch BETWEEN 1 AND 2147483647),
    address           TEXT    NOT NULL,
    journal_key       TEXT    NOT NULL,
    identity_hash     BLOB    NOT NULL,
    acked_seq         INTEGER NOT NULL,
    acked_digest      BLOB    NOT NULL,
    kept_after_seq    INTEGER NOT NULL,
    kept_after_digest BLOB    NOT NULL,
    carried_seq       INTEGER
) STRICT;
INSERT INTO epochs
    SELECT i.epoch, i.address, i.journal_key, i.identity_hash, a.seq, a.digest, 0, i.identity_hash, NULL
    FROM identity i, acknowledged a;

-- sealed holds the signed bytes; the other columns repeat what has to be found. A transaction stands in one entry, and
-- besides in the later ones that carry that entry over.
CREATE TABLE entries (
    place          INTEGER PRIMARY KEY,
    transaction_id BLOB    NOT NULL,
    carried        INTEGER NOT NULL CHECK (carried IN (0, 1)),
    wall_ms        INTEGER NOT NULL,
    digest         BLOB    NOT NULL,
    sealed         BLOB    NOT NULL,
    epoch          INTEGER NOT NULL GENERATED ALWAYS AS (place >> 32) VIRTUAL,
    seq            INTEGER NOT NULL GENERATED ALWAYS AS (place & 4294967295) VIRTUAL CHECK (seq >= 1)
) STRICT;
INSERT INTO entries (place, transaction_id, carried, wall_ms, digest, sealed)
    SELECT (i.epoch << 32) + j.seq, j.transaction_id, 0, j.wall_ms, j.digest, j.sealed
    FROM identity i, journal j ORDER BY j.seq;
CREATE UNIQUE INDEX entries_transaction ON entries (transaction_id) WHERE carried = 0;
CREATE INDEX entries_carried ON entries (transaction_id) WHERE carried = 1;

-- Where paper is owed: a row goes when it is known to be out, or nobody wants it.
CREATE TABLE papers (
    place INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL GENERATED ALWAYS AS (place >> 32) VIRTUAL,
    seq   INTEGER NOT NULL GENERATED ALWAYS AS (place & 4294967295) VIRTUAL
) STRICT;
INSERT INTO papers (place) SELECT (i.epoch << 32) + r.seq FROM identity i, receipts r WHERE r.owed = 1;

-- Counters over the whole life of the till and all its epochs, as the newest entry carries them that carries any
-- (counted_place), and where the newest sale and the newest closing of a shift stand; 0 for nowhere.
CREATE TABLE counters (
    one             INTEGER PRIMARY KEY CHECK (one = 1),
    sales           INTEGER NOT NULL,
    payable_minor   INTEGER NOT NULL,
    refunds         INTEGER NOT NULL,
    refunded_minor  INTEGER NOT NULL,
    top_ups         INTEGER NOT NULL,
    topped_up_minor INTEGER NOT NULL,
    counted_place   INTEGER NOT NULL,
    sale_place      INTEGER NOT NULL,
    shift_place     INTEGER NOT NULL
) STRICT;
INSERT INTO counters
    SELECT 1, t.sales, t.payable_minor, 0, 0, 0, 0, s.place, s.place, 0
    FROM totals t,
         (SELECT coalesce(max((i.epoch << 32) + r.seq), 0) AS place FROM identity i, receipts r) s;

-- The latest time head office has signed and this till has seen.
CREATE TABLE heard (
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    signed_time_ms INTEGER NOT NULL
) STRICT;
INSERT INTO heard SELECT 1, signed_time_ms FROM acknowledged;

-- The run of the program that is going on, or how the last one ended: in which boot, the latest moment known of it, and
-- whether it was closed in order.
CREATE TABLE run (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    boot_id BLOB    NOT NULL,
    wall_ms INTEGER NOT NULL,
    closed  INTEGER NOT NULL CHECK (closed IN (0, 1))
) STRICT;

DROP TABLE receipts;
DROP TABLE journal;
DROP TABLE totals;
DROP TABLE acknowledged;
DROP TABLE identity;
ALTER TABLE entries RENAME TO journal;
ALTER TABLE papers RENAME TO receipts;
ALTER TABLE counters RENAME TO totals;
ALTER TABLE epochs RENAME TO identity;
