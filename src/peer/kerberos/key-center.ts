import { resolveSrv } from 'node:dns/promises';
import type { Address } from '../../adapter/setting.ts';
import { NotConnectedError } from '../../error/adapter-error.ts';
import { describeError } from '../../error/engine-error.ts';
import { dial, placeOf } from '../dial.ts';
import { firstReached } from '../first-reached.ts';
import { Fields } from './fields.ts';
import { KerberosProblem } from './kerberos-problem.ts';
import { MESSAGE } from './messages.ts';

/** Milliseconds to connect to one center, and for its answer. */
const TIMEOUT = 5_000;
const PORT = 88;
/** A ticket with the groups of a person is below 100 KB. */
const LONGEST = 1024 * 1024;
const WITHOUT_CERTIFICATE = {
  credential: (): Promise<never> => Promise.reject(new Error('no certificate is named')),
};

/** The refusal of a key distribution center (a domain controller). */
interface CenterRefusal {
  readonly code: number;
  /** What it wants, of a request that it would take otherwise. */
  readonly data: Buffer | undefined;
  /** Its time, milliseconds since 1970. */
  readonly time: number;
}

/** Asks a center of the realm, by TCP. Throws a KerberosProblem where none answers; a refusal is a result. */
export async function ask(
  realm: string,
  given: readonly Address[],
  request: Buffer,
): Promise<{ readonly reply: Buffer } | { readonly refusal: CenterRefusal }> {
  const addresses = given.length > 0 ? given : await centersOf(realm);
  const signal = AbortSignal.timeout(TIMEOUT * 3);
  try {
    const answer = await firstReached(addresses, (one) => exchanged(one, request, signal), {
      signal,
      what: 'domain controller',
    });
    return answer[0] === (0x60 | MESSAGE.error)
      ? { refusal: refusalOf(answer) }
      : { reply: answer };
  } catch (error) {
    if (error instanceof KerberosProblem) throw error;
    const why = signal.aborted ? 'none answered in time' : describeError(error).text;
    throw new KerberosProblem(
      `no domain controller of ${realm} answers (${addresses.map(placeOf).join(', ')}): ${why.replace(/\.$/, '')}`,
      'Check kdc, the DNS of this machine, and that port 88 (TCP) is open',
      true,
    );
  }
}

async function centersOf(realm: string): Promise<Address[]> {
  try {
    const found = await resolveSrv(`_kerberos._tcp.${realm.toLowerCase()}`);
    return found
      .toSorted((a, b) => a.priority - b.priority)
      .map(({ name, port }) => ({ host: name, port: port === 0 ? PORT : port }));
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new KerberosProblem(
      `the DNS knows no domain controller of ${realm} (${code})`,
      'Write kdc, or check the DNS of this machine (_kerberos._tcp)',
      true,
    );
  }
}

async function exchanged(address: Address, request: Buffer, signal: AbortSignal): Promise<Buffer> {
  const socket = await dial(WITHOUT_CERTIFICATE, { address, timeout: TIMEOUT }, signal);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]);
  const stop = (): void => void socket.destroy();
  limit.addEventListener('abort', stop, { once: true });
  try {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(request.length);
    socket.write(Buffer.concat([length, request]));
    return await answerOf(socket);
  } catch (error) {
    const cause = limit.aborted ? 'no answer' : (error as Error).message;
    throw new NotConnectedError(`${placeOf(address)}: ${cause}`);
  } finally {
    limit.removeEventListener('abort', stop);
    socket.on('error', () => undefined).destroy();
  }
}

/** What follows its length. */
async function answerOf(socket: AsyncIterable<Buffer>): Promise<Buffer> {
  let read = Buffer.alloc(0);
  for await (const chunk of socket) {
    read = Buffer.concat([read, chunk]);
    const wanted = read.length < 4 ? 0 : read.readUInt32BE(0);
    if (wanted > LONGEST) throw new Error('it does not speak Kerberos');
    if (read.length >= 4 + wanted && wanted > 0) return read.subarray(4, 4 + wanted);
  }
  throw new Error('it closed the connection');
}

function refusalOf(answer: Buffer): CenterRefusal {
  const fields = Fields.application(answer, MESSAGE.error, 'the answer of the domain controller');
  return {
    code: fields.number(6),
    time: fields.time(4),
    data: fields.has(12) ? fields.octets(12) : undefined,
  };
}

/** For whom, and what for. */
interface Asked {
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
