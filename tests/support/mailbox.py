"""A real SMTP server for the tests: mailbox.py FOLDER plain|smtps|starttls|deaf [CERT KEY] [--login USER PASSWORD]

Prints its port, keeps every message as FOLDER/N.eml, and ends with its standard input. `deaf` takes connections and never
says a word.
"""
import os
import socket
import ssl
import sys
import threading
import warnings

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class Keep:
    def __init__(self, folder):
        self.folder, self.count = folder, 0

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        recipients = ",".join(envelope.rcpt_tos)
        head = f"X-Envelope: {envelope.mail_from} -> {recipients}\r\nX-Hello: {session.host_name}\r\n".encode()
        path = os.path.join(self.folder, f"{self.count}.eml")
        with open(path + ".part", "wb") as file:
            file.write(head + envelope.content)
        os.rename(path + ".part", path)
        return "250 kept"


def main():
    warnings.simplefilter("ignore")
    args = sys.argv[1:]
    login = None
    if "--login" in args:
        at = args.index("--login")
        login = tuple(word.encode() for word in args[at + 1 : at + 3])
        del args[at : at + 3]
    folder, mode = args[:2]
    if mode == "deaf":
        listener = socket.create_server(("127.0.0.1", 0))
        kept = []
        threading.Thread(target=lambda: [kept.append(listener.accept()) for _ in iter(int, 1)], daemon=True).start()
        print(listener.getsockname()[1], flush=True)
    else:
        options = {}
        if mode != "plain":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(args[2], args[3])
            if mode == "smtps":
                options["ssl_context"] = context
            else:
                options.update(tls_context=context, require_starttls=True)
        if login:
            options.update(
                authenticator=lambda server, session, envelope, mechanism, data: AuthResult(
                    # Not handled: aiosmtpd says 535 itself.
                    success=(data.login, data.password) == login, handled=False
                ),
                auth_required=True,
                # aiosmtpd takes a connection that began with TLS for one without.
                auth_require_tls=mode == "starttls",
            )
        probe = socket.create_server(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        controller = Controller(Keep(folder), hostname="127.0.0.1", port=port, **options)
        controller.start()
        print(port, flush=True)
    sys.stdin.read()
    os._exit(0)


main()
