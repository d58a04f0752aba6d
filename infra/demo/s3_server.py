"""moto's S3 server in a process of its own, which ends with whoever started it.

It takes a free port, says which on standard output, and ends when its standard input closes: that
happens too when the parent is killed.
"""

import logging
import sys

from moto.server import ThreadedMotoServer

HOST = "127.0.0.1"


def main() -> None:
    """Serve until standard input closes."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address=HOST, port=0, verbose=False)
    server.start()
    sys.stdout.write(f"{server.get_host_and_port()[1]}\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    server.stop()


if __name__ == "__main__":
    main()
