"""A small virtual machine with a kernel of its own, for what only a kernel shows: who holds an input device, what a
pulled USB device looks like to a program, what a framebuffer really shows.

``./dev vm-devices`` makes its image once (some minutes), starts it (half a minute) and runs ``tests/vm/kernel`` in it;
the everyday suite does not go in. Nobody imports this package but its own modules.
"""
