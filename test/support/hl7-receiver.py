"""An HL7 receiver of the python3-hl7 package: acknowledges every message with what the package writes."""
import asyncio
import sys

import hl7
import hl7.mllp


async def serve(reader, writer):
    while True:
        try:
            message = await reader.readmessage()
        except asyncio.IncompleteReadError:
            break
        code = "AE" if str(message.segment("MSH")[10]) == "REFUSE" else "AA"
        writer.writemessage(message.create_ack(code))
        await writer.drain()
    writer.close()


async def main():
    server = await hl7.mllp.start_hl7_server(serve, host="127.0.0.1", port=0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        # Ends with its parent, which holds the other end of standard input.
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
