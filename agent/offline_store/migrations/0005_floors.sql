-- The highest version of each kind of document that was ever active here, kept also where the document itself is gone.
CREATE TABLE document_floors (
    kind    TEXT    PRIMARY KEY,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO document_floors SELECT kind, version FROM documents WHERE place = 'active';
