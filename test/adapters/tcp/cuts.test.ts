import tcpOut from '../../../adapters/tcp/tcp-out.ts';
import { describeCutInbound, describeCutOutbound } from '../../contract/cut-connections.ts';
import { devicePeer } from './device-peer.ts';
import { receiving, STX_ETX } from './receiving.ts';

const message = 'R|1|^^^GLU|5.4|mmol/L and as much again';

describeCutOutbound(tcpOut, {
  peer: devicePeer,
  given: { ...STX_ETX, reply: 'bytes', accepted: '^\\x06' },
  message,
  places: 20,
});

describeCutInbound('tcp-in', {
  open: (given, options) =>
    receiving({ ...STX_ETX, answer: 'stored', repetitions: 'once', ...given }, options),
  message,
  framed: Buffer.from(`\x02${message}\x03`),
  acknowledged: (heard) => heard === '\x06',
  dedupeKey: 'its bytes',
});
