-- Value held offline, what was taken once and is never taken again, further documents, and members by the slice.

-- The leases of the open epoch, as they were lent or created here, and what is left of them. A lease is found by a keyed
-- hash of its account's holder; sealed is AEAD-encrypted. Once nothing is left (open = 0) the id stays, so that it is
-- never taken in twice, and what was sealed goes.
CREATE TABLE leases (
    lease          BLOB    PRIMARY KEY,
    holder_key     BLOB    NOT NULL,
    spend_until_ms INTEGER NOT NULL,
    amount         INTEGER NOT NULL CHECK (amount >= 0),
    bonus_minor    INTEGER NOT NULL CHECK (bonus_minor >= 0),
    open           INTEGER NOT NULL CHECK (open = (amount > 0 OR bonus_minor > 0)),
    recalled       INTEGER NOT NULL CHECK (recalled IN (0, 1)),
    sealed         BLOB    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX leases_holder ON leases (holder_key) WHERE open = 1;
CREATE INDEX leases_until ON leases (spend_until_ms) WHERE open = 1;
CREATE INDEX leases_recalled ON leases (recalled) WHERE open = 1 AND recalled = 1;

-- How many leases are open and their digest, kept up with each change.
CREATE TABLE leases_held (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    count  INTEGER NOT NULL CHECK (count >= 0),
    digest BLOB    NOT NULL
) STRICT;
INSERT INTO leases_held VALUES (1, 0, zeroblob(32));

-- What this terminal has taken, in whichever epoch.
CREATE TABLE presentations_taken (
    nonce BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;
CREATE TABLE coupons_taken (
    code TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
CREATE TABLE slips_taken (
    slip BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- The content of the documents of the same names.
CREATE TABLE terminal_keys (
    address     TEXT    NOT NULL,
    epoch       INTEGER NOT NULL,
    journal_key TEXT    NOT NULL,
    PRIMARY KEY (address, epoch)
) STRICT, WITHOUT ROWID;
CREATE TABLE revoked_members (
    member_key       BLOB    PRIMARY KEY,
    issued_until_day INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE revoked_cards (
    card_key BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;
CREATE TABLE revoked_coupons (
    code TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
CREATE TABLE notices (
    place    INTEGER PRIMARY KEY,
    zh       TEXT    NOT NULL,
    en       TEXT    NOT NULL,
    until_ms INTEGER NOT NULL
) STRICT;

-- A million members: keyed hashes of 16 bytes, and one index for a phone number whole and by its last four digits. What
-- was sealed under the longer hashes cannot be opened any more, so the members are fetched anew.
DROP TABLE member_cards;
DROP TABLE members;
DELETE FROM documents WHERE kind = 'members';
CREATE TABLE members (
    id          INTEGER PRIMARY KEY,
    member_key  BLOB NOT NULL UNIQUE,
    phone_last4 TEXT,
    phone_key   BLOB,
    tier        TEXT NOT NULL,
    tags        TEXT NOT NULL,
    sealed      BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX members_phone ON members (phone_last4, phone_key) WHERE phone_last4 IS NOT NULL;
-- No foreign key: it would make forgetting a million members at once a million single deletions.
CREATE TABLE member_cards (
    card_key BLOB    PRIMARY KEY,
    id       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX member_cards_member ON member_cards (id);
-- Which optional attributes of members the active pack's rules look at, and which are kept of the members above; all
-- where no row says so. Names are separated by spaces.
CREATE TABLE member_attributes (
    which TEXT PRIMARY KEY CHECK (which IN ('wanted', 'kept')),
    names TEXT NOT NULL
) STRICT, WITHOUT ROWID;
