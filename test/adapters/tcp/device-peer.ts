import type { TlsOptions } from 'node:tls';
import { type FramedPeer, framedPeer } from '../../support/framed-peer.ts';

/** A device that takes messages between STX and ETX and answers ACK. */
export const devicePeer = (tls?: TlsOptions): Promise<FramedPeer> =>
  framedPeer(
    (bytes) => {
      const end = bytes.indexOf(3);
      if (end < 0) return undefined;
      return { body: bytes.subarray(bytes.indexOf(2) + 1, end), rest: bytes.subarray(end + 1) };
    },
    () => Buffer.of(6),
    tls,
  );
