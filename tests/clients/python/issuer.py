"""An identity provider for tests: it signs what it is asked for, and publishes its keys in a file or over HTTPS.

Each line of the standard input is a request in JSON, and each line of the output its answer:

    {"do": "token", "key": "es", "header": {...}, "claims": {...}}       a token; the header has the key's `alg` and `kid`
    {"do": "forge", "how": "none|hmac-pem|hmac-jwk", "key": "es", ...}   one that no key signed
    {"do": "publish", "keys": ["es", "ps"]}                              from now on these are the key set
    {"do": "served"}                                                     how often the key set was asked for

The arguments are the file of the key set, and a certificate and its key for HTTPS. The first line has the port.
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import ssl
import sys
import threading

from joserfc import jws, jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

path, certificate, private = sys.argv[1:]
served = 0
published = b'{"keys": []}'


def key(name):
    """A new key: the kind is what its name begins with."""
    kid = {"kid": name, "use": "sig"}
    if name.startswith("es3"):
        return "ES384", ECKey.generate_key("P-384", kid)
    if name.startswith("es"):
        return "ES256", ECKey.generate_key("P-256", kid)
    if name.startswith("ed"):
        return "EdDSA", OKPKey.generate_key("Ed25519", kid)
    return name[:2].upper() + "256", RSAKey.generate_key(2048, kid)


keys = {}


def named(name):
    if name not in keys:
        keys[name] = key(name)
    return keys[name]


def token(asked):
    algorithm, signer = named(asked["key"])
    header = {"alg": algorithm, "kid": asked["key"], **asked.get("header", {})}
    header = {name: value for name, value in header.items() if value is not None}
    if "embed" in asked:
        header["jwk"] = signer.as_dict(private=False)
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    return jwt.encode(header, asked["claims"], signer, registry=registry)


def forge(asked):
    part = lambda value: base64.urlsafe_b64encode(value).rstrip(b"=")
    _, signer = named(asked["key"])
    how = asked["how"]
    header = {"alg": "none" if how == "none" else "HS256", "kid": asked["key"]}
    message = part(json.dumps(header).encode()) + b"." + part(json.dumps(asked["claims"]).encode())
    if how == "none":
        return (message + b".").decode()
    secret = signer.as_pem(private=False) if how == "hmac-pem" else json.dumps(signer.as_dict(private=False)).encode()
    return (message + b"." + part(hmac.new(secret, message, hashlib.sha256).digest())).decode()


def publish(asked):
    global published
    names = KeySet([named(name)[1] for name in asked["keys"]])
    published = json.dumps(names.as_dict(private=False)).encode()
    with open(path + ".new", "wb") as file:
        file.write(published)
    os.replace(path + ".new", path)
    return "published"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global served
        served += 1
        self.send_response(200)
        self.send_header("content-length", str(len(published)))
        self.end_headers()
        self.wfile.write(published)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, private)
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)

for line in sys.stdin:
    asked = json.loads(line)
    answer = {"token": token, "forge": forge, "publish": publish, "served": lambda _: str(served)}[asked["do"]]
    print(answer(asked), flush=True)
