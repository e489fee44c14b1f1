"""A WebSocket server and client by the library websockets: websocket-peer.py [certificate key trust].

Prints its port, then does what each line of its input says, a JSON object, and prints what came of it."""
import asyncio
import base64
import json
import logging
import ssl
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

# a probe that connects and leaves is no news
logging.getLogger("websockets").setLevel(logging.CRITICAL)
places = {}


class Place:
    """What happens at one path."""

    def __init__(self):
        self.received, self.sockets, self.pairs = [], set(), []
        self.opened, self.answer, self.close = 0, None, None
        self.free = asyncio.Event()
        self.free.set()


def place_of(path):
    return places.setdefault(path.split("?")[0], Place())


def coded(body):
    data = body.encode() if isinstance(body, str) else body
    return {"text": isinstance(body, str), "body": base64.b64encode(data).decode()}


async def answer(place, socket, body):
    if place.answer == "ids":
        await socket.send(json.dumps({"ref": json.loads(body)["id"], "status": "OK"}))
    elif place.answer == "reversed":
        place.pairs.append(json.loads(body)["id"])
        if len(place.pairs) == 2:
            await socket.send('{"news":"nothing to do with it"}')
            for one in reversed(place.pairs):
                await socket.send(json.dumps({"ref": one, "status": "OK"}))
    elif place.answer is not None:
        await socket.send(place.answer)


async def serving(socket):
    place = place_of(socket.request.path)
    place.opened += 1
    place.sockets.add(socket)
    try:
        async for body in socket:
            await place.free.wait()
            place.received.append(coded(body))
            if place.close is not None:
                await socket.close(place.close)
                return
            await answer(place, socket, body)
    except ConnectionClosed:
        pass
    finally:
        place.sockets.discard(socket)


def admit(connection, request):
    if request.path.startswith("/locked"):
        wanted = "Basic " + base64.b64encode(b"hub:pw").decode()
        if request.headers.get("Authorization") != wanted:
            place_of("/refused").opened += 1
            return connection.respond(401, "who are you")
    if request.path.startswith("/token") and request.headers.get("Authorization") != "Bearer fresh":
        return connection.respond(401, "an old token")
    if request.path.startswith("/nothing"):
        return connection.respond(404, "nothing")
    return None


def spoken(_connection, offered):
    return next((one for one in ("results.v2", "results.v1") if one in offered), None)


async def call(told):
    try:
        async with connect(
            told["url"],
            additional_headers=told.get("headers"),
            subprotocols=told.get("subprotocols"),
            compression="deflate" if told.get("compress") else None,
            ssl=told.get("trust") and ssl.create_default_context(cafile=told["trust"]),
            max_size=None,
        ) as socket:
            answers = []
            try:
                for one in told["messages"]:
                    data = base64.b64decode(one["body"])
                    await socket.send(data.decode() if one["text"] else data)
                while len(answers) < told["answers"]:
                    answers.append(coded(await socket.recv()))
                return {"answers": answers, "subprotocol": socket.subprotocol}
            except ConnectionClosed as closed:
                return {"answers": answers, "closed": closed.rcvd and closed.rcvd.code}
    except InvalidStatus as refused:
        return {"status": refused.response.status_code}


async def done(told):
    place = place_of(told.get("path", "/"))
    if told["do"] == "call":
        return await call(told)
    if told["do"] == "push":
        for socket in list(place.sockets):
            await socket.send(told["text"])
    if told["do"] == "set":
        place.answer, place.close = told.get("answer"), told.get("close")
        (place.free.clear if told.get("hold") else place.free.set)()
    return {"received": place.received, "opened": place.opened, "open": len(place.sockets)}


async def main():
    secure = None
    if len(sys.argv) > 1:
        secure = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=sys.argv[3])
        secure.load_cert_chain(sys.argv[1], sys.argv[2])
        secure.verify_mode = ssl.CERT_OPTIONAL
    server = await serve(
        serving, "127.0.0.1", 0, ssl=secure, process_request=admit,
        select_subprotocol=spoken, max_size=10_000_000, compression=None,
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    lines = asyncio.StreamReader(limit=2**26)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    while line := await lines.readline():
        print(json.dumps(await done(json.loads(line))), flush=True)


asyncio.run(main())
