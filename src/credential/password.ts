import { argon2, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { EngineError } from '../error/engine-error.ts';

/** What a hash costs: 64 MiB and 130 ms on two quiet cores. Stored with each, so that it can be raised. */
export const PASSWORD_COST = { memory: 65_536, passes: 3, parallelism: 4 } as const;

/** Bytes of a salt and of a hash. */
const [SALT, TAG] = [16, 32];
const SHORTEST = 12;
const LONGEST = 200;
/** How many hashes are computed at once; each needs that memory. */
const AT_ONCE = 2;
/** How many may wait; more are refused. */
const WAITING = 50;
const LETTERS = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';

/** Beginnings that attackers try first. */
const COMMON =
  /^(?:password|passwort|waybill|welcome|hospital|administrator|changeme|qwertz|qwerty|letmein|1234567|iloveyou)/i;

interface Cost {
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

const run = promisify(argon2);
const waiting: (() => void)[] = [];
let running = 0;

/** The PHC string of a password (argon2id). */
export async function hashPassword(password: string, cost: Cost = PASSWORD_COST): Promise<string> {
  const salt = randomBytes(SALT);
  return phcOf(salt, await tagOf(password, salt, cost), cost);
}

/** A PHC string that no password matches: to check one against it takes as long as against that of a user. */
export const nobodysHash = (): string => phcOf(randomBytes(SALT), randomBytes(TAG), PASSWORD_COST);

const phcOf = (salt: Buffer, tag: Buffer, { memory, passes, parallelism }: Cost): string =>
  `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(salt)}$${base64(tag)}`;

/** Whether a password matches a PHC string; takes as long as creating it. */
export async function isPassword(password: string, phc: string): Promise<boolean> {
  const [, m, t, p, salt, tag] =
    /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/.exec(phc) ?? [];
  if (salt === undefined || tag === undefined) return false;
  const cost = { memory: Number(m), passes: Number(t), parallelism: Number(p) };
  const expected = Buffer.from(tag, 'base64');
  const given = await tagOf(password, Buffer.from(salt, 'base64'), cost);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** Throws CREDENTIAL_REFUSED if a password is too short, too long, too common or the user's own name. */
export function checkNewPassword(password: string, user: string): void {
  const problem =
    password.length < SHORTEST
      ? `a password needs at least ${SHORTEST} characters; a sentence is easier to remember than a riddle`
      : password.length > LONGEST
        ? `a password may have at most ${LONGEST} characters`
        : COMMON.test(password) || new Set(password).size < 5
          ? 'this password is among the first that attackers guess'
          : password.toLowerCase().includes(user.toLowerCase())
            ? 'a password must not contain the user’s name'
            : undefined;
  if (problem !== undefined) throw new EngineError('CREDENTIAL_REFUSED', problem);
}

/** A one-time password: 20 letters and digits without look-alikes, 116 bits. */
export function oneTimePassword(): string {
  return Array.from({ length: 20 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
}

async function tagOf(password: string, nonce: Buffer, cost: Cost): Promise<Buffer> {
  await turn();
  try {
    return await run('argon2id', {
      message: password.normalize('NFKC'),
      nonce,
      tagLength: TAG,
      ...cost,
    });
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}

async function turn(): Promise<void> {
  if (running >= AT_ONCE) {
    if (waiting.length >= WAITING) {
      throw new EngineError('CREDENTIAL_UNAVAILABLE', 'too many sign-ins at once. Try again', {
        retryable: true,
      });
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.push(resolve);
    await promise;
  }
  running += 1;
}

const base64 = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');
