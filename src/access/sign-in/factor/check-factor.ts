import { type FailureDelay, guarded } from '../failure-delay.ts';
import type { UsedAssertions } from '../saml/used-assertions.ts';
import { SignInRefusal } from '../sign-in-refusal.ts';
import { ownerOf } from './factor-store.ts';
import { type Site, usedPasskey } from './passkeys.ts';
import { clockIsOff, type Person, type SecondFactors, totpLabel } from './second-factors.ts';
import { timeOf } from './totp.ts';

/** With what the second step was taken. */
export type FactorUsed = 'totp' | 'passkey' | 'recovery code';

/** What somebody gives after the password. */
export type FactorProof =
  | { readonly code: string }
  | { readonly passkey: unknown; readonly challenge: string; readonly site: Site };

/** Checks the second step of a sign-in. */
export interface FactorCheck {
  /** Rejects with a SignInRefusal. Tries are limited as those of passwords are, and counted apart from them. */
  check(person: Person, given: FactorProof, ip: string): Promise<FactorUsed>;
}

interface FactorCheckOptions {
  readonly factors: SecondFactors;
  readonly delay: FailureDelay;
  readonly used: UsedAssertions;
  readonly now?: () => number;
}

/** Milliseconds in which a challenge could come again. */
const CHALLENGE = 3_600_000;

export function factorCheck(parts: FactorCheckOptions): FactorCheck {
  const { factors, delay } = parts;
  const checked = async (owner: string, given: FactorProof): Promise<FactorUsed> => {
    if (!('code' in given)) return byPasskey(parts, owner, given);
    const code = given.code.replaceAll(/\s/g, '');
    if (/^\d{6}$/.test(code)) return byApp(parts, owner, code);
    if (await factors.store.useCode(owner, code)) return 'recovery code';
    throw wrong('it is neither a code of an app nor a recovery code that is left');
  };
  return {
    check(person, given, ip) {
      const owner = ownerOf(person);
      const keys = {
        own: { kind: 'user', name: `second ${owner} ${ip}` },
        shared: [
          { kind: 'address', name: ip },
          { kind: 'name', name: `second ${owner}` },
        ],
      } as const;
      return guarded(delay, keys, () => checked(owner, given));
    },
  };
}

async function byApp(
  { factors: { store, seal }, now = Date.now }: FactorCheckOptions,
  owner: string,
  code: string,
): Promise<FactorUsed> {
  const app = await store.totp(owner);
  if (app === undefined) throw wrong('there is no authenticator app, only a passkey');
  const opened = seal.open(totpLabel(owner), app.sealed);
  if (opened === undefined) throw sealedElsewhere();
  const found = timeOf(code, Buffer.from(opened, 'base64'), now());
  if (found === undefined) throw wrong('the code is wrong');
  if (found.off !== 0) {
    await store.tellStep(owner, found.step);
    throw offTime(clockIsOff(found.off, now()));
  }
  if (!(await store.useStep(owner, found.step))) throw usedBefore();
  if (seal.isOutdated(app.sealed)) await store.reseal(owner, seal.seal(totpLabel(owner), opened));
  return 'totp';
}

async function byPasskey(
  { factors: { store }, used, now = Date.now }: FactorCheckOptions,
  owner: string,
  { passkey, challenge, site }: Exclude<FactorProof, { readonly code: string }>,
): Promise<FactorUsed> {
  const { id } = (passkey ?? {}) as { readonly id?: unknown };
  const stored = (await store.passkeys(owner)).find((one) => one.id === id);
  if (stored === undefined) throw wrong('this passkey is not among those of the user');
  const counter = await usedPasskey(passkey, stored, { site, challenge });
  if (typeof counter === 'string') throw wrong(`the passkey ${stored.label}: ${counter}`);
  if (!(await used.first('passkey', challenge, now() + CHALLENGE)))
    throw wrong('this answer of a passkey was used before');
  await store.usedPasskey(stored.id, counter);
  return 'passkey';
}

const RESET = 'Users → Reset second factor, or waybill user reset-factor at the machine';

function wrong(why: string): SignInRefusal {
  return new SignInRefusal(
    { status: 401, text: 'this code or passkey is wrong' },
    `second factor: ${why}`,
    RESET,
  );
}

function offTime(why: string): SignInRefusal {
  return new SignInRefusal(
    { status: 401, text: why },
    `second factor: ${why}`,
    'if it happens to everybody, the clock of this server is wrong',
  );
}

function usedBefore(): SignInRefusal {
  return new SignInRefusal(
    { status: 401, text: 'this code was used already: wait for the next one' },
    'second factor: the code was right, but used already, or older than one that was',
    'the app shows another within 30 s; if the user had not used it, somebody else did',
  );
}

function sealedElsewhere(): SignInRefusal {
  return new SignInRefusal(
    {
      status: 401,
      text: 'codes of an app cannot be checked now: use a recovery code or a passkey, and tell the administrator',
    },
    'second factor: the secret of the app is sealed with a master key that is not here',
    'give the earlier key in WAYBILL_MASTER_KEY_BEFORE, or reset the second factor',
  );
}
