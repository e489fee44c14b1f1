import {
  list,
  optional,
  path,
  type SettingProblem,
  text,
  type ValuesOf,
} from '../../adapter/setting.ts';
import { principalOf } from '../../peer/kerberos/principal.ts';
import { secret } from '../secret-setting.ts';

export const kerberosSettings = {
  user: text({
    help: 'The account with its realm, in capitals.',
    example: 'svc-waybill@HOSPITAL.EXAMPLE',
  }),
  password: optional(secret({ help: 'The password of the account, if there is no keytab.' })),
  keytab: optional(
    path({
      help: 'The file with the keys of the account, instead of a password.',
      example: 'svc-waybill.keytab',
    }),
  ),
  kdc: list(text({ help: 'Host, and a port if it is not 88.' }), {
    help: 'Where the domain controllers answer, tried in this order; the DNS is asked if left out.',
    advanced: true,
  }),
  service: optional(
    text({
      help: 'Under which name the server is registered, if not HTTP/ and the name in its address.',
      example: 'HTTP/cluster.hospital.example',
      advanced: true,
    }),
  ),
} as const;

const CENTER = /^(?:\[[\da-f:.]+\]|[^\s:/[\]]+)(?::\d{1,5})?$/i;

/** Which parts of such a credential contradict each other. */
export function kerberosProblems({
  user,
  password,
  keytab,
  kdc,
  service,
}: ValuesOf<typeof kerberosSettings>): SettingProblem[] {
  const strange = kdc.filter((one) => !CENTER.test(one));
  return [
    ...(principalOf(user) === undefined
      ? [{ path: ['user'], problem: 'needs its realm, in capitals: name@HOSPITAL.EXAMPLE' }]
      : []),
    ...((password === undefined) === (keytab === undefined)
      ? [{ path: ['password'], problem: 'write either password or keytab' }]
      : []),
    ...strange.map((one) => ({
      path: ['kdc'],
      problem: `${one} is not a host, or a host and its port: dc1.hospital.example`,
    })),
    ...(service === undefined || /^[^/@\s]+\/[^/@\s]+$/.test(service)
      ? []
      : [{ path: ['service'], problem: 'write HTTP/ and a name, without a realm' }]),
  ];
}
