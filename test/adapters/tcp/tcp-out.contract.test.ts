import tcpOut from '../../../adapters/tcp/tcp-out.ts';
import { describeOutbound, type OutboundPeer } from '../../contract/outbound.contract.ts';
import { devicePeer } from './device-peer.ts';

async function peer(): Promise<OutboundPeer> {
  const device = await devicePeer();
  return {
    given: {
      connect: `127.0.0.1:${device.port}`,
      framing: 'marks',
      startMark: 'STX',
      endMark: 'ETX',
      reply: 'bytes',
      accepted: '^\\x06',
      busy: '^\\x15',
      refused: '^\\x18',
    },
    received: () => device.received,
    hold: () => device.hold(),
    release: () => device.release(),
    refuse: (how) => device.script(() => Buffer.of(how === 'temporary' ? 0x15 : 0x18)),
    breakDown: () => device.stop(),
    repair: () => device.restart(),
    [Symbol.asyncDispose]: () => device.stop(),
  };
}

describeOutbound(tcpOut, {
  peer,
  refusals: { temporary: { code: 'busy' }, final: { code: 'refused' } },
});
