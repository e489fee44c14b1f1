import mllpIn from '../../../adapters/mllp/mllp-in.ts';
import { describeInbound, type InboundPeer } from '../../contract/inbound.contract.ts';
import { type MllpSender, mllpSender, portOf } from '../../support/mllp-sender.ts';

/** Senders on loopback; broken down, the address to listen on is none of this machine's. */
async function peer(): Promise<InboundPeer> {
  const senders: MllpSender[] = [];
  const given = { listen: '127.0.0.1:0' };
  return {
    given,
    async offer(body, opened) {
      const sender = await mllpSender(portOf(opened));
      senders.push(sender);
      sender.send(body);
      return {
        standing: () => {
          const [code] = sender.codes();
          if (code === undefined) return 'waiting';
          return code.startsWith('AA') ? 'taken' : 'again';
        },
      };
    },
    async breakDown() {
      given.listen = '203.0.113.1:2575';
    },
    async [Symbol.asyncDispose]() {
      for (const sender of senders) await sender[Symbol.asyncDispose]();
    },
  };
}

describeInbound(mllpIn, { peer });
