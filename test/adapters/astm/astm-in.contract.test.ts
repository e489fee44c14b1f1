import { vi } from 'vitest';
import astmIn from '../../../adapters/astm/astm-in.ts';
import { describeInbound, type InboundPeer } from '../../contract/inbound.contract.ts';
import { BODY_MARKER } from '../../contract/marker.ts';
import { type AstmSide, astmDevice, astmServer, result } from '../../support/astm-device.ts';
import { portOf } from '../../support/mllp-sender.ts';

const body = (id: string): Buffer => Buffer.from(result(id, `C|1|I|${BODY_MARKER}\r`));

/** Sends a message, and tells how it stands. */
function offered(
  device: AstmSide,
  message: Buffer,
): { standing: () => 'waiting' | 'taken' | 'again' } {
  let outcome: string | undefined;
  const send = async (): Promise<void> => {
    outcome = await device.send(message.toString('latin1'));
  };
  void send();
  return {
    standing: () => {
      if (outcome === undefined) return 'waiting';
      return outcome === '\x06' ? 'taken' : 'again';
    },
  };
}

async function listening(): Promise<InboundPeer> {
  const devices: AstmSide[] = [];
  const given = { listen: '127.0.0.1:0' };
  return {
    given,
    async offer(message, opened) {
      const device = await astmDevice(portOf(opened));
      devices.push(device);
      return offered(device, message);
    },
    async breakDown() {
      given.listen = '203.0.113.1:4010';
    },
    async [Symbol.asyncDispose]() {
      for (const device of devices) await device[Symbol.asyncDispose]();
    },
  };
}

/** A device that waits to be called. */
async function called(): Promise<InboundPeer> {
  const server = await astmServer();
  return {
    given: { callOut: { connect: `127.0.0.1:${server.port}` } },
    async offer(message) {
      const side = await vi.waitFor(() => {
        const last = server.sides.at(-1);
        if (last === undefined) throw new Error('not connected yet');
        return last;
      });
      return offered(side, message);
    },
    breakDown: () => server.stop(),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

describeInbound(astmIn, { peer: listening, body });
const onlyFirst = 'the device of this test sends over its first connection';
describeInbound(astmIn, { peer: called, body, gaps: { silent: onlyFirst, dripping: onlyFirst } });
