"""NBD on unix sockets: held storage served to an implementation, and a guest that talks to its export.

Facts: the NBD protocol document (doc/proto.md of NetworkBlockDevice/nbd); names in this package are that document's,
without the ``NBD_`` prefix.
"""
