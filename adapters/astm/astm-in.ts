import { inbound, type LentInbound } from 'waybill/adapter';
import { arrivalFaults, openArrival, tryArrival } from 'waybill/peer';
import { astmInSettings } from './astm-in-settings.ts';
import { AstmIntake } from './astm-intake.ts';
import { joined } from './devices.ts';
import { AstmLink } from './link.ts';

export default inbound({
  type: 'astm-in',
  title: 'ASTM E1381 and E1394 (LIS01, LIS02), from laboratory devices',
  summary:
    'Receives messages from laboratory devices over TCP, listening or connecting to them, and answers their queries.',
  settings: astmInSettings,
  // The device has only one connection: two engines would take it from each other.
  pollsWith: ({ callOut }) => callOut !== undefined,
  check: (settings) => Promise.resolve(arrivalFaults(settings)),
  async open(lent) {
    const taker = new AstmIntake(lent);
    return await openArrival(lent, (socket, sender, isNews) => {
      const { host, production, settings } = lent;
      const link = new AstmLink(socket, {
        sender,
        values: settings,
        taker,
        tell: teller(lent, isNews, sender.address),
        idleTimeout: settings.idleTimeout,
      });
      joined(production, host, link);
      return link;
    });
  },
  test: (lent, step) => tryArrival(lent, step),
});

function teller(
  { event, log }: Pick<LentInbound<typeof astmInSettings>, 'event' | 'log'>,
  isNews: (key: string) => boolean,
  address: string,
): (name: string, text: string) => void {
  return (name, text) => {
    if (isNews(`${address} ${name}`)) event('warn', name, text);
    log.debug({ peer: address, reason: name }, 'trouble with a device');
  };
}
