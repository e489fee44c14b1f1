import { hospital } from '../hospital.ts';
import type { PeerStart } from './peer.ts';

/** A receiving system that answers each message with AA. */
export const mllpPeer: PeerStart = async () => {
  const running = await hospital({ systems: { receiver: 0 } });
  const address = `127.0.0.1:${running.systems[0]?.port ?? 0}`;
  return [
    {
      rows: [
        {
          system: 'MLLP',
          program: 'a receiver, in this process: it answers AA',
          address,
          signIn: 'none; plain TCP',
        },
      ],
      yaml: {
        operations: { 'sandbox-mllp': { adapter: 'mllp-out', settings: { connect: address } } },
      },
      [Symbol.asyncDispose]: () => running.close(),
    },
  ];
};
