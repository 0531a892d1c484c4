-- The first shape of a terminal's store. A numbered step is never edited once it has been shipped: the next step
-- changes what it made. How many have run is counted by PRAGMA user_version.

-- Whose store this is: one terminal, one epoch, one journal key. Another epoch begins another file.
CREATE TABLE identity (
    one           INTEGER PRIMARY KEY CHECK (one = 1),
    address       TEXT    NOT NULL,
    epoch         INTEGER NOT NULL,
    journal_key   TEXT    NOT NULL,
    identity_hash BLOB    NOT NULL
) STRICT;

-- Journal and outbox in one. sealed holds the signed bytes; the other columns repeat what has to be found.
CREATE TABLE journal (
    seq            INTEGER PRIMARY KEY CHECK (seq >= 1),
    transaction_id BLOB    NOT NULL UNIQUE,
    wall_ms        INTEGER NOT NULL,
    digest         BLOB    NOT NULL,
    sealed         BLOB    NOT NULL
) STRICT;

-- Counters over the whole life of the till, as the newest sale carries them.
CREATE TABLE totals (
    one           INTEGER PRIMARY KEY CHECK (one = 1),
    sales         INTEGER NOT NULL,
    payable_minor INTEGER NOT NULL
) STRICT;

-- What head office has acknowledged with its signature, and the latest time it has signed.
CREATE TABLE acknowledged (
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    seq            INTEGER NOT NULL,
    digest         BLOB    NOT NULL,
    signed_time_ms INTEGER NOT NULL
) STRICT;

-- One row a sale. owed = 1 until its paper is known to be out, or nobody wants one.
CREATE TABLE receipts (
    seq  INTEGER PRIMARY KEY REFERENCES journal (seq),
    owed INTEGER NOT NULL CHECK (owed IN (0, 1))
) STRICT;
CREATE INDEX receipts_owed ON receipts (seq) WHERE owed = 1;

-- The active document of each kind, and of packs also the one before. sealed is kept of packs only: the blobs of
-- members and cashiers hold in clear what the tables below encrypt.
CREATE TABLE documents (
    kind      TEXT    NOT NULL,
    place     TEXT    NOT NULL CHECK (place IN ('active', 'previous')),
    version   INTEGER NOT NULL,
    digest    BLOB    NOT NULL,
    issued_ms INTEGER NOT NULL,
    sealed    BLOB,
    PRIMARY KEY (kind, place)
) STRICT;

-- Members and cashiers are found by keyed hashes (HMAC-SHA256); sealed is AEAD-encrypted.
CREATE TABLE members (
    id          INTEGER PRIMARY KEY,
    member_key  BLOB NOT NULL UNIQUE,
    phone_key   BLOB UNIQUE,
    phone_last4 TEXT,
    tier        TEXT NOT NULL,
    tags        TEXT NOT NULL,
    sealed      BLOB NOT NULL
) STRICT;
CREATE TABLE member_cards (
    card_key BLOB PRIMARY KEY,
    id       INTEGER NOT NULL REFERENCES members (id)
) STRICT, WITHOUT ROWID;
CREATE TABLE cashiers (
    cashier_key BLOB PRIMARY KEY,
    sealed      BLOB NOT NULL
) STRICT, WITHOUT ROWID;
-- Apart from cashiers, so that a new document does not forgive wrong PINs.
CREATE TABLE pin_tries (
    cashier_key BLOB    PRIMARY KEY,
    count       INTEGER NOT NULL,
    last_ms     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE shop (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    name     TEXT NOT NULL,
    currency TEXT NOT NULL,
    open_sku TEXT NOT NULL
) STRICT;
CREATE TABLE items (
    sku         TEXT    PRIMARY KEY,
    name        TEXT    NOT NULL,
    name_en     TEXT    NOT NULL,
    category    TEXT    NOT NULL,
    price_minor INTEGER NOT NULL,
    barcode     TEXT    UNIQUE
) STRICT, WITHOUT ROWID;
