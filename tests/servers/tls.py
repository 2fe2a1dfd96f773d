"""A proxy that speaks TLS to clients and plain RESP to a server."""

import contextlib
import select
import socket
import ssl
import threading


class TlsProxy:
    """Speaks TLS to clients and plain RESP to a server."""

    def __init__(self, context, server):
        self.context, self.server = context, server
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with contextlib.suppress(OSError), client:
            inner, outer = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = self.context.wrap_bio(inner, outer, server_side=True)
            with socket.create_connection((self.server.host, self.server.port)) as server:
                _Relay(tls, inner, outer, client, server).run()


class _Relay:
    """Both directions of a proxied connection on one thread: an SSLSocket is not for two."""

    def __init__(self, tls, inner, outer, client, server):
        self.tls, self.inner, self.outer = tls, inner, outer
        self.client, self.server = client, server

    def run(self):
        try:
            while not self._shaken():
                self._take(self.client.recv(65536))
            self._relay()
        finally:
            with contextlib.suppress(OSError):
                self.client.sendall(self.outer.read())
                # Closed with bytes unread, a socket is reset, and the alert may be lost with it.
                self.client.shutdown(socket.SHUT_WR)
                self.client.settimeout(30.0)
                while self.client.recv(65536):
                    pass

    def _shaken(self):
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        finally:
            self.client.sendall(self.outer.read())
        return True

    def _take(self, data):
        if not data:
            raise OSError("closed")
        self.inner.write(data)

    def _relay(self):
        while True:
            self._forward()
            ready, _, _ = select.select([self.client, self.server], [], [])
            if self.client in ready:
                self._take(self.client.recv(65536))
            if self.server in ready:
                data = self.server.recv(65536)
                if not data:
                    return
                self.tls.write(data)
                self.client.sendall(self.outer.read())

    def _forward(self):
        with contextlib.suppress(ssl.SSLWantReadError):
            while data := self.tls.read(65536):
                self.server.sendall(data)
            raise OSError("the client says that it closes")
