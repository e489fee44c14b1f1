import { KerberosProblem } from './kerberos-problem.ts';
import type { CenterRefusal } from './key-center.ts';

/** For whom, and what for. */
export interface Asked {
  /** Who signs in. */
  readonly user: string;
  /** The service whose ticket is wanted; undefined while signing in. */
  readonly service: string | undefined;
}

type Told = readonly [what: (asked: Asked) => string, remedy: string];

/** The codes of RFC 4120 §7.5.9 that people meet. */
const CAUSES: Readonly<Record<number, Told>> = {
  6: [({ user }) => `the domain does not know ${user}`, 'Check user, with its realm in capitals'],
  7: [
    ({ service }) => `the domain does not know the service ${service ?? 'that gives tickets'}`,
    'Register it at the account of the server (setspn -S), address the server by the registered name, or write service',
  ],
  12: [
    ({ user }) => `a policy of the domain does not let ${user} in`,
    'Look at its log-on hours, workstations and authentication policies',
  ],
  14: [
    ({ user }) => `the domain and we have no encryption in common for ${user}`,
    'Allow AES at the account (msDS-SupportedEncryptionTypes 24) and set its password anew',
  ],
  18: [({ user }) => `${user} is disabled, locked or has expired`, 'Have the account unlocked'],
  23: [({ user }) => `the password of ${user} has expired`, 'Set a new one in the domain and here'],
  24: [
    ({ user }) => `the domain refuses the password or key of ${user}`,
    'Correct password, or export the keytab again: it is void once the password is set anew',
  ],
  31: [() => 'the ticket was changed on the way', 'Try again, and look at the network'],
  68: [
    ({ user }) => `${user} belongs to another realm`,
    'Write the right realm behind the @ of user',
  ],
};

const CLOCK = 37;
/** Busy, or not there for the moment. */
const PASSING = new Set([29, 52, 60]);

export function refusedBy({ code, time }: CenterRefusal, asked: Asked): KerberosProblem {
  if (code === CLOCK) {
    const off = Math.round((Date.now() - time) / 1000);
    return new KerberosProblem(
      `the clock here is ${Math.abs(off)} s ${off > 0 ? 'ahead of' : 'behind'} that of the domain controller`,
      'Set it by the time server of the domain',
    );
  }
  const [what, remedy] = CAUSES[code] ?? [
    () => `the domain controller refuses ${asked.service ?? asked.user} with code ${code}`,
    'Look at the log of the domain controller; RFC 4120 lists the codes',
  ];
  return new KerberosProblem(what(asked), remedy, PASSING.has(code));
}
