"""Calls a service by zeep: soap-caller.py WSDL-URL JSON. Prints what came as JSON."""
import json
import sys

from lxml import etree
from zeep import Client, Settings
from zeep.exceptions import Fault, TransportError
from zeep.wsa import WsAddressingPlugin
from zeep.wsse.username import UsernameToken

url, told = sys.argv[1], json.loads(sys.argv[2])
wsse = None
if "user" in told:
    wsse = UsernameToken(told["user"], told["password"], use_digest=told.get("digest", False))
plugins = [WsAddressingPlugin()] if told.get("addressing") else []
client = Client(url, wsse=wsse, plugins=plugins, settings=Settings(strict=True))
results = []
for _ in range(told.get("times", 1)):
    try:
        service = client.service[told["operation"]]
        answer = service(**told["arguments"])
        results.append({"answer": answer if isinstance(answer, (str, type(None))) else str(answer)})
    except Fault as fault:
        detail = fault.detail
        results.append({
            "fault": fault.code,
            "subcodes": [str(code) for code in fault.subcodes or []],
            "reason": fault.message,
            "detail": etree.tostring(detail).decode() if detail is not None else None,
        })
    except TransportError as error:
        results.append({"status": error.status_code})
print(json.dumps(results))
