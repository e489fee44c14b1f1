import { outbound } from 'waybill/adapter';
import { PeerLink, placeOf, probe } from 'waybill/peer';
import { DeviceConnection } from './device-connection.ts';
import { framingOf } from './framing.ts';
import { tcpOutFaults, tcpOutSettings } from './tcp-out-settings.ts';

export default outbound({
  type: 'tcp-out',
  title: 'TCP, sending',
  summary:
    'Sends each message over TCP in any framing (lines, marks such as STX and ETX, a length before each, fixed length), and returns the answer where one is waited for.',
  settings: tcpOutSettings,
  replies: {
    accepted: 'complete',
    busy: ['retry', 'fail'],
    refused: 'suspend',
    none: 'retry',
    other: 'suspend',
  },
  // The line is held for as long as it takes: a receiver that is away must not cost a message.
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
      send: (message, signal) =>
        link.send(signal, (connection) => connection.exchange(message, signal)),
      close: () => link.close(),
    };
  },
  test: ({ settings, ...lent }, step) =>
    probe(lent, step, { address: settings.connect, tls: settings.tls, silent: true, hello: false }),
});
