"""The birth of every identity: the authority behind the certificates, the broker, head office's keys, and terminals.

What makes a key, a certificate, or a file that says who may speak to whom belongs here, and nothing that runs
afterwards: no connection, no document, no journal. Only the command line, the demo and the tests come in; what is made
here is met by the others as files, whose names and forms the modules spell out. Everything may be run again: what
exists is kept, a certificate near its end is renewed for the same key, and a private key is never overwritten.
"""
