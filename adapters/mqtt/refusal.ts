import { DisableError, NotConnectedError } from 'waybill/adapter';

/** Why a broker does not let us in: by the codes of MQTT 5 (2.4), to which those of 3.1.1 (3.2.2.3) are brought. */
const REFUSALS: Readonly<
  Record<number, readonly [kind: 'person' | 'later', what: string, remedy: string]>
> = {
  0x84: [
    'person',
    'does not speak this version of MQTT',
    'Set version: 3.1.1, or 5 if it was that',
  ],
  0x85: ['person', 'refuses the client id', 'Set clientId to one that it allows'],
  0x86: ['person', 'refused the sign-in', 'Check user and password with its owner'],
  0x87: [
    'person',
    'refused the sign-in',
    'Check user and password, and whether the account may connect',
  ],
  0x88: ['later', 'is not available', 'It is tried again; ask its owner if it lasts'],
  0x89: ['later', 'is busy', 'It is tried again; ask its owner if it lasts'],
  0x8a: ['person', 'has banned us', 'Ask its owner'],
  0x8c: ['person', 'wants another way of signing in', 'Ask its owner which'],
  0x97: ['later', 'has no room for another client', 'Ask its owner to raise the quota'],
  0x9c: ['person', 'sends us to another server', 'Correct connect'],
  0x9d: ['person', 'has moved', 'Correct connect'],
  0x9f: ['later', 'takes no more connections just now', 'It is tried again'],
};

const OF_3_1_1: Readonly<Record<number, number>> = { 1: 0x84, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87 };

/** The error for a CONNACK that refuses. `who` says who signed in, for people. */
export function refusedConnect(place: string, code: number, who: string): Error {
  const [kind, what, remedy] = REFUSALS[OF_3_1_1[code] ?? code] ?? [
    'later',
    `refused the connection (code ${code})`,
    'Look at the log of the broker',
  ];
  const text = `${place} ${what} (${who}). ${remedy}.`;
  return kind === 'person' ? new DisableError(text) : new NotConnectedError(text);
}

/** Why a broker ended a connection: the code of its DISCONNECT; undefined where it just went. */
export function lostMqtt(place: string, code: number | undefined): NotConnectedError {
  const why =
    code === 0x8e
      ? 'another client signed in with the same clientId. Give each its own'
      : code === 0x8d
        ? 'the broker heard nothing of us in time. It is opened again'
        : `the broker ended it${code === undefined ? '' : ` (code ${code})`} or cannot be reached. It is opened again; look at its log if it lasts`;
  return new NotConnectedError(`The connection to ${place} is gone: ${why}.`);
}
