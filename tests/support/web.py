"""A real web service for the tests: web.py FOLDER [--tls CERT KEY] [--answers A,B,...]

Prints its port, keeps every request as FOLDER/N.json, and ends with its standard input. The answers are those of its first
POSTs, then 200: a status, `drop` hangs up without an answer, `deaf` never answers, and `302=URL` leads elsewhere.
"""
import json
import os
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOCK = threading.Lock()
COUNT = 0
ANSWERS = []


class Handler(BaseHTTPRequestHandler):
    def serve(self):
        global COUNT
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        with LOCK:
            COUNT += 1
            number = COUNT
            answer = "200"
            if self.command == "POST" and ANSWERS:
                answer = ANSWERS.pop(0)
        path = os.path.join(sys.argv[1], f"{number}.json")
        with open(path + ".part", "w") as file:
            json.dump({"method": self.command, "path": self.path, "headers": headers, "body": body}, file)
        os.rename(path + ".part", path)
        if answer == "deaf":
            time.sleep(600)
        if answer in ("drop", "deaf"):
            self.close_connection = True
            return
        status, _, target = answer.partition("=")
        self.send_response(int(status))
        if target:
            self.send_header("location", target)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"OK")

    do_GET = do_POST = do_HEAD = serve

    def log_message(self, *args):
        pass


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if "--tls" in sys.argv:
        at = sys.argv.index("--tls")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[at + 1], sys.argv[at + 2])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    if "--answers" in sys.argv:
        ANSWERS.extend(sys.argv[sys.argv.index("--answers") + 1].split(","))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()
    os._exit(0)


main()
