"""The reference on sockets: QMP and NBD for programs that expect a qemu-storage-daemon."""
