import astmOut from '../../../adapters/astm/astm-out.ts';
import { BODY_MARKER } from '../../contract/marker.ts';
import { describeOutbound, type OutboundPeer } from '../../contract/outbound.contract.ts';
import { type AstmSide, astmServer, result } from '../../support/astm-device.ts';

const body = (id: string): Buffer => Buffer.from(result(id, `C|1|I|${BODY_MARKER}\r`));

async function peer(): Promise<OutboundPeer> {
  const server = await astmServer();
  let held: (() => void)[] | undefined;
  const holding = (side: AstmSide): void => {
    side.onFrame(() => {
      if (held === undefined) return '\x06';
      held.push(() => side.write('\x06'));
      return '';
    });
  };
  return {
    given: { connect: `127.0.0.1:${server.port}`, busyWait: '50ms', tries: 2 },
    received: () => server.received,
    hold() {
      held ??= [];
      server.each(holding);
    },
    release() {
      const waiting = held ?? [];
      held = undefined;
      for (const answer of waiting) answer();
    },
    refuse: (how) =>
      server.each((side) => {
        if (how === 'temporary') side.onEnq('\x15');
        else side.onFrame(() => '\x15');
      }),
    breakDown: () => server.stop(),
    repair: () => server.restart(),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

describeOutbound(astmOut, {
  peer,
  body,
  refusals: { temporary: { code: 'BUSY' }, final: { code: 'NAK' } },
  gaps: { large: 'that body goes on behind the record that ends a message; see astm-out.test.ts' },
});
