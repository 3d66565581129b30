"""`python -m deploy.mail_catcher --port N --folder DIR`: takes mails, on loopback by default, until SIGTERM or SIGINT.

Prints `listening on <host>:<port>` once it does (port 0: a free one), then a line of JSON for each mail.
"""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from deploy.mail_catcher.catcher import Catcher, MailFolder


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.mail_catcher", description="Keeps mails, sends none on.")
    parser.add_argument("--host", default="127.0.0.1", help="where it listens (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=1025, help="0: a free one, which is printed (default: 1025)")
    parser.add_argument("--folder", type=Path, required=True, help="where the mails are kept, as .eml files")
    parser.add_argument(
        "--refuse", action="append", default=[], metavar="ADDRESS", help="refuse mail to this address; repeatable"
    )
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> int:
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    catcher = Catcher(MailFolder(arguments.folder), refused=arguments.refuse, tell=lambda line: print(line, flush=True))
    try:
        server = await catcher.listen(arguments.host, arguments.port)
    except OSError as error:
        place = f"{arguments.host}:{arguments.port}"
        print(f"cannot listen on {place}: {error.strerror}; choose another --port", file=sys.stderr)
        return 1
    port = server.sockets[0].getsockname()[1]
    print(f"listening on {arguments.host}:{port}", flush=True)
    await end.wait()
    server.close()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_serve(_arguments())))
