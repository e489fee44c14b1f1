import { outbound } from 'waybill/adapter';
import { judgedAsEdi, PeerLink, placeOf, probe } from 'waybill/peer';
import { DeviceConnection } from './device-connection.ts';
import { framingOf } from './framing.ts';
import { tcpOutFaults, tcpOutSettings } from './tcp-out-settings.ts';

export default outbound({
  type: 'tcp-out',
  title: 'TCP, sending',
  summary:
    'Sends each message over TCP in any framing (lines, marks such as STX and ETX, a length before each, fixed length), and returns the answer, if one is awaited.',
  settings: tcpOutSettings,
  replies: {
    'wrong-control-id': 'warn',
    accepted: 'complete',
    busy: ['retry', 'fail'],
    refused: 'suspend',
    // for TA1, 997, 999 and CONTRL
    A: 'complete',
    E: ['warn', 'complete'],
    P: 'suspend',
    R: 'suspend',
    none: 'retry',
    other: 'suspend',
  },
  // The queue is held for as long as it takes: a receiver that is away must not cost a message.
  retry: { for: Number.POSITIVE_INFINITY },
  check: (settings) => Promise.resolve(tcpOutFaults(settings)),
  async open(lent) {
    const { settings } = lent;
    const options = {
      place: placeOf(settings.connect),
      settings,
      framing: framingOf(settings),
    };
    const link = new PeerLink(lent, (socket) => new DeviceConnection(socket, options));
    await link.open();
    return {
      async send(message, signal) {
        const reply = await link.send(signal, (connection) => connection.exchange(message, signal));
        // without a pattern, an acknowledgement itself says what it means
        if (reply === undefined || reply.code !== undefined) return reply;
        return (await judgedAsEdi(reply, message)) ?? reply;
      },
      close: () => link.close(),
    };
  },
  test: ({ settings, ...lent }, step) =>
    probe(lent, step, { address: settings.connect, tls: settings.tls, silent: true, hello: false }),
});
