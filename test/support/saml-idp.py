"""An identity provider by pysaml2, which signs with xmlsec1. Arguments: port, folder with key.pem, cert.pem and sp.xml."""
import base64
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.saml import NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

port, folder = int(sys.argv[1]), sys.argv[2]
# another site than the console’s, for browsers
base = f"http://localhost:{port}"
config = IdPConfig().load({
    "entityid": f"{base}/metadata",
    "service": {"idp": {
        "endpoints": {
            "single_sign_on_service": [(f"{base}/sso", BINDING_HTTP_REDIRECT), (f"{base}/sso", BINDING_HTTP_POST)],
            "single_logout_service": [(f"{base}/slo", BINDING_HTTP_REDIRECT)],
        },
        "policy": {"default": {"lifetime": {"minutes": 5}, "attribute_restrictions": None}},
        "want_authn_requests_signed": True,
    }},
    "key_file": f"{folder}/key.pem",
    "cert_file": f"{folder}/cert.pem",
    "xmlsec_binary": "/usr/bin/xmlsec1",
    "metadata": {"local": [f"{folder}/sp.xml"]},
    "signing_algorithm": SIG_RSA_SHA256,
    "digest_algorithm": DIGEST_SHA256,
})
idp = Server(config=config)
sp = idp.metadata.keys()[0]
said = {"name": "nobody", "groups": [], "sign": "assertion", "encrypted": False, "refuse": False}


def name_id():
    return NameID(format=NAMEID_FORMAT_PERSISTENT, text=said["name"])


def signed_in(query, binding):
    one = {key: values[0] for key, values in query.items()}
    request = idp.parse_authn_request(
        one["SAMLRequest"], binding, relay_state=one.get("RelayState"), sigalg=one.get("SigAlg"),
        signature=one.get("Signature"))
    message = request.message
    to = message.assertion_consumer_service_url
    if said["refuse"]:
        response = idp.create_error_response(message.id, to, ValueError("no"), sign=True)
    else:
        response = idp.create_authn_response(
            {"groups": said["groups"], "mail": [f"{said['name']}@hospital.example"]},
            in_response_to=message.id, destination=to, sp_entity_id=sp, name_id=name_id(),
            authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password", "authn_auth": base},
            sign_assertion=said["sign"] != "response", sign_response=said["sign"] != "assertion",
            sign_alg=SIG_RSA_SHA256, digest_alg=DIGEST_SHA256)
    return json.dumps({"to": to, "response": str(response)})


def page(to, response):
    value = base64.b64encode(response.encode()).decode()
    return f"""<!doctype html><form method="post" action="{to}"><input type="hidden" name="SAMLResponse"
        value="{value}"></form><script>document.forms[0].submit()</script>"""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        if path == "/metadata":
            from saml2.metadata import entity_descriptor
            self.answer(str(entity_descriptor(config)))
        elif path == "/sso":
            told = signed_in(query, BINDING_HTTP_REDIRECT)
            self.answer(page(**json.loads(told)) if "text/html" in self.headers["accept"] else told)
        elif path == "/slo" and "SAMLRequest" in query:
            request = idp.parse_logout_request(
                query["SAMLRequest"][0], BINDING_HTTP_REDIRECT, sigalg=query["SigAlg"][0], signature=query["Signature"][0])
            said["out"] = request.message.name_id.text
            response = idp.create_logout_response(request.message, [BINDING_HTTP_REDIRECT], sign=False)
            self.redirect(str(response), request.message, "SAMLResponse")
        elif path == "/slo":
            self.answer("signed out")
        elif path == "/leave":
            id, request = idp.create_logout_request(
                idp.metadata.single_logout_service(sp, BINDING_HTTP_REDIRECT, "spsso")[0]["location"],
                sp, name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text=query["name"][0]), sign=False)
            self.redirect(str(request), None, "SAMLRequest")

    def redirect(self, message, _request, kind):
        to = idp.metadata.single_logout_service(sp, BINDING_HTTP_REDIRECT, "spsso")[0]["location"]
        info = idp.apply_binding(
            BINDING_HTTP_REDIRECT, message, to, "state", response=kind == "SAMLResponse",
            sign=True, sigalg=SIG_RSA_SHA256)
        self.send_response(302)
        self.send_header("location", dict(info["headers"])["Location"])
        self.end_headers()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        if self.path == "/said":
            said.update(json.loads(body))
            self.answer(json.dumps(said))
        else:
            self.answer(signed_in(parse_qs(body), BINDING_HTTP_POST))

    def answer(self, text):
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        """Only errors go into the log."""


ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
