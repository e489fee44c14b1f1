import { type SettingsFault, setting } from 'waybill/adapter';
import { tlsClient } from 'waybill/peer';
import { linkSettings } from './link-settings.ts';

const where = {
  through: setting.optional(
    setting.text({
      help: 'The name of the astm-in service whose connection to the device is used: a device usually has one for both directions. Both run on the same engine.',
      example: 'analyser',
    }),
  ),
  device: setting.optional(
    setting.text({
      help: 'With through, the address of the device, if several are connected to that service.',
      example: '10.1.2.3',
    }),
  ),
  connect: setting.optional(
    setting.address({
      help: 'Address and port of the device, or of the receiving system, for a separate connection instead of through.',
      example: 'lis.example:4010',
    }),
  ),
  tls: tlsClient(),
  connectTimeout: setting.duration({
    help: 'How long connecting may take, TLS included.',
    default: '5s',
    advanced: true,
  }),
};

export const astmOutSettings = { ...where, ...linkSettings };

export type AstmOutValues = setting.ValuesOf<typeof astmOutSettings>;

export function astmOutFaults({ through, connect, device, tls }: AstmOutValues): SettingsFault[] {
  const faults: SettingsFault[] = [];
  const wrong = (path: string, what: string, remedy: string): void => {
    faults.push({ path: [path], what, remedy });
  };
  if ((through === undefined) === (connect === undefined)) {
    const what = connect === undefined ? 'is missing' : 'does not go with through';
    wrong('connect', what, 'Name the astm-in service under through, or an address here, not both.');
  }
  if (through === undefined && device !== undefined) {
    wrong('device', 'has no effect without through', 'Remove it.');
  }
  if (through !== undefined && tls !== undefined) {
    wrong('tls', 'has no effect with through', 'Set it at the service that through names.');
  }
  return faults;
}
