"""A SOAP service made by spyne, for tests: python3 soap-service.py 1.1|1.2. Prints its port."""
import logging
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

from spyne import Application, ByteArray, ComplexModel, Fault, ServiceBase, Unicode, rpc
from spyne.protocol.soap import Soap11, Soap12
from spyne.server.wsgi import WsgiApplication

logging.disable(logging.CRITICAL)


class Receipt(ComplexModel):
    __namespace__ = "urn:lab"
    number = Unicode
    size = Unicode


class Orders(ServiceBase):
    @rpc(Unicode(min_occurs=1), ByteArray, _returns=Receipt)
    def PlaceOrder(self, test, report):
        if test == "broken":
            raise RuntimeError("the analyser burns")
        if test == "unknown":
            raise Fault("Client.UnknownTest", "there is no such test", detail={"allowed": "GLU"})
        if test == "busy":
            raise Fault("Server", "come back later")
        size = sum(len(part) for part in report) if report else 0
        return Receipt(number="R-" + test, size=str(size))


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


protocol = Soap12 if sys.argv[1] == "1.2" else Soap11
app = Application([Orders], "urn:lab", name="Orders", in_protocol=protocol(validator="lxml"), out_protocol=protocol())
server = make_server("127.0.0.1", 0, WsgiApplication(app), handler_class=Quiet)
print(server.server_port, flush=True)
server.serve_forever()
