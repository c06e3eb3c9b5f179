"""A receiver of Security Event Tokens (RFC 8935), and a maker of keys for it.

    ssf.py key KEY.pem PUBLIC.pem                     makes an RSA key of 2048 bits
    ssf.py receive PUBLIC.pem AUDIENCE PORT_FILE      verifies tokens and prints their header and claims, a line each

The first request is answered with 503, so that it is sent again.
"""

import base64
import http.server
import json
import pathlib
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa


def make(private, public):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    private.chmod(0o600)
    public.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def decoded(part):
    return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))


def receive(public, audience, port_file):
    key = serialization.load_pem_public_key(public.read_bytes())
    state = {"requests": 0, "seen": set()}

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            token = self.rfile.read(int(self.headers["Content-Length"]))
            state["requests"] += 1
            if state["requests"] == 1:
                self.send_response(503)
                self.end_headers()
                return
            assert self.headers["Content-Type"] == "application/secevent+jwt", self.headers
            header, claims, signature = token.split(b".")
            key.verify(decoded(signature), header + b"." + claims, padding.PKCS1v15(), hashes.SHA256())
            header, claims = json.loads(decoded(header)), json.loads(decoded(claims))
            if claims["aud"] != audience:
                body = b'{"err": "invalid_audience", "description": "not for us"}'
                self.send_response(400)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(body)
                return
            # RFC 8417, section 4.5; OpenID SSF 1.0, section 4.1: a token is no other kind of JWT.
            assert header["typ"] == "secevent+jwt" and "sub" not in claims and "exp" not in claims, claims
            if claims["jti"] not in state["seen"]:
                state["seen"].add(claims["jti"])
                print(json.dumps({"header": header, "claims": claims}), flush=True)
            self.send_response(202)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
    port_file.with_suffix(".new").write_text(str(server.server_port))
    port_file.with_suffix(".new").rename(port_file)
    server.serve_forever()


match sys.argv[1:]:
    case ["key", private, public]:
        make(pathlib.Path(private), pathlib.Path(public))
    case ["receive", public, audience, port_file]:
        receive(pathlib.Path(public), audience, pathlib.Path(port_file))
    case _:
        sys.exit(__doc__)
