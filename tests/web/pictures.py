"""Stands in for image.tmdb.org: any picture asked for is there, a quiet surface in a colour of its own. Chromium is told to
find that name here (browser.py), so that the pages are tested with pictures and nothing leaves this machine."""
import http.server
import ssl
import subprocess
import threading
import zlib

PICTURE = ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
           '<rect width="100%" height="100%" fill="hsl({hue} 42% 46%)"/>'
           '<circle cx="{x}" cy="{y}" r="{r}" fill="hsl({hue} 50% 64%)"/></svg>')
SHAPES = {"w780": (780, 439), "w1280": (1280, 720), "w300": (300, 169), "w92": (92, 92), "w45": (45, 45)}


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):  # noqa: N802  (the base class names it)
        size = self.path.split("/")[3] if self.path.count("/") > 3 else ""
        width, height = SHAPES.get(size, (342, 513))
        number = zlib.crc32(self.path.rpartition("/")[2].encode())
        body = PICTURE.format(width=width, height=height, hue=number % 360, x=number % width, y=number // 7 % height,
                              r=width // 3).encode()
        self.send_response(200)
        self.send_header("Content-Type", "image/svg+xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a browser that no longer wants a picture hangs up


class Pictures:
    """HTTPS on a free port, with a certificate made for the occasion (which the browser is told not to check)."""

    def __init__(self, folder):
        key, certificate = folder / "key.pem", folder / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=image.tmdb.org"],
                       check=True, capture_output=True)
        self.server = Server(("127.0.0.1", 0), Answer)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
