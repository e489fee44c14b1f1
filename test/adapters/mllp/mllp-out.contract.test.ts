import mllpOut from '../../../adapters/mllp/mllp-out.ts';
import { describeOutbound, type OutboundPeer } from '../../contract/outbound.contract.ts';
import { ackOf, mllpPeer } from '../../support/mllp-peer.ts';

async function peer(): Promise<OutboundPeer> {
  const receiver = await mllpPeer();
  return {
    given: { connect: `127.0.0.1:${receiver.port}` },
    received: () => receiver.received,
    hold: () => receiver.hold(),
    release: () => receiver.release(),
    refuse: (how) =>
      receiver.script((body) => ackOf(body, how === 'temporary' ? 'AR' : 'AE', undefined, '|no')),
    breakDown: () => receiver.stop(),
    repair: () => receiver.restart(),
    [Symbol.asyncDispose]: () => receiver.stop(),
  };
}

describeOutbound(mllpOut, {
  peer,
  refusals: { temporary: { code: 'AR' }, final: { code: 'AE' } },
});
