"""Tests that run inside the virtual machine alone, as root, with uinput, USB gadgets and a framebuffer at hand."""
