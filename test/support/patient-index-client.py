"""Feeds and asks a patient index as systems do: HL7 v2 by python3-hl7, HL7 v3 by zeep. Prints the answers as JSON."""
import json
import sys

import hl7
from hl7.client import MLLPClient
from lxml import etree
from zeep import Client
from zeep.plugins import HistoryPlugin

told = json.loads(sys.argv[1])


def asked_by_mllp(port, messages):
    answers = []
    with MLLPClient("127.0.0.1", port) as client:
        for message in messages:
            raw = client.send_message(message).decode().strip("\x0b\x1c\r")
            answer = hl7.parse(raw)
            segments = {str(segment[0][0]) for segment in answer}
            answers.append({
                "type": str(answer.segment("MSH")[9]),
                "msa": str(answer.segment("MSA")[1]),
                "qak": str(answer.segment("QAK")[2]) if "QAK" in segments else None,
                "pid": [str(pid) for pid in answer.segments("PID")] if "PID" in segments else [],
                "err": str(answer.segment("ERR")[3]) if "ERR" in segments else None,
            })
    return answers


def asked_by_soap(url, calls):
    history = HistoryPlugin()
    client = Client(url, plugins=[history])
    answers = []
    for operation, content in calls:
        parts = list(etree.fromstring(f'<x xmlns="urn:hl7-org:v3">{content}</x>'))
        client.service[operation](_value_1=parts, ITSVersion="XML_1.0")
        body = history.last_received["envelope"].find("{http://www.w3.org/2003/05/soap-envelope}Body")[0]
        name = {"h": "urn:hl7-org:v3"}
        answers.append({
            "type": etree.QName(body).localname,
            "code": body.find("h:acknowledgement/h:typeCode", name).get("code"),
            "status": body.find(".//h:queryAck/h:queryResponseCode", name).get("code"),
            "ids": [[one.get("root"), one.get("extension")] for one in body.findall(".//h:patient/h:id", name)],
            "families": [one.text for one in body.findall(".//h:family", name)],
        })
    return answers


print(json.dumps({
    "feed": asked_by_mllp(told["feed"], told["patients"]) if told["patients"] else [],
    "v2": asked_by_mllp(told["v2"], told["queries"]),
    "v3": asked_by_soap(told["v3"], told["calls"]),
}))
