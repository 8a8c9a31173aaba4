"""The options of `serve` that may be given any number of times and whose order counts, with what they take.

They have a module of their own because to name them is all that most commands need of the server.
"""

OPTIONS: dict[str, str] = {
    "chardev": "socket,id=ID,path=PATH,server=on,wait=off, or socket,id=ID,fd=N, or stdio,id=ID",
    "monitor": "[chardev=]ID: QMP there",
    "object": "throttle-group,id=ID[,limits.iops-total=N,...]",
    "blockdev": "[driver=]DRIVER,node-name=NAME,...: a node, as blockdev-add takes it",
    "nbd-server": "addr.type=unix,addr.path=PATH",
    "export": "[type=]nbd,id=ID,node-name=NODE[,name=NAME][,description=TEXT][,writable=on][,bitmaps.0=NAME]",
}
