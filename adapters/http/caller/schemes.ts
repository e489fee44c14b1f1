import { type Credential, DisableError, type LentInbound, type setting } from 'waybill/adapter';
import type { Incoming } from '../incoming.ts';
import { bearerScheme } from './bearer.ts';
import { type Caller, type Proof, quoted, REALM, type Scheme } from './caller.ts';
import type { CallerValues } from './caller-settings.ts';
import { hmacScheme } from './hmac.ts';
import { kept } from './kept.ts';
import { isSameSecret } from './same-secret.ts';
import { tokenOf } from './token-of.ts';

export type SchemeLent = Pick<LentInbound<setting.Settings>, 'credential' | 'verifier' | 'signal'>;

/** The schemes of a service, one for each entry of `callers`. */
export function schemesOf(
  lent: SchemeLent,
  entries: readonly (CallerValues | undefined)[],
): readonly Scheme[] {
  return entries.flatMap((entry) => (entry === undefined ? [] : [schemeOf(lent, entry)]));
}

const KINDS: Readonly<
  Record<CallerValues['kind'], (lent: SchemeLent, values: CallerValues) => Scheme>
> = {
  'api-key': apiKeyScheme,
  basic: basicScheme,
  bearer: bearerScheme,
  hmac: (lent, values) => hmacScheme(values, secretsOf(lent, values)),
  certificate: (_, values) => certificateScheme(values),
};

const schemeOf = (lent: SchemeLent, values: CallerValues): Scheme =>
  KINDS[values.kind](lent, values);

const granted = (name: string, { grants }: CallerValues): Extract<Proof, { result: 'proven' }> => ({
  result: 'proven',
  caller: { name, scopes: new Set(grants) } satisfies Caller,
});

export interface NamedSecret {
  readonly name: string;
  readonly secret: string;
}

/** The fixed tokens behind the credentials of an entry, by their names. */
function secretsOf(
  { credential, signal }: SchemeLent,
  { credentials, kind }: CallerValues,
): () => Promise<readonly NamedSecret[]> {
  return kept(() =>
    Promise.all(
      credentials.map(async (name) => {
        const found = await credential(name);
        if (found.kind !== 'bearer') throw misfit(name, kind, 'bearer');
        return { name, secret: await found.token(signal, { fresh: true }) };
      }),
    ),
  );
}

function apiKeyScheme(lent: SchemeLent, values: CallerValues): Scheme {
  const secrets = secretsOf(lent, values);
  // `header` alone, as well as nothing at all, is the usual one
  const sources = (
    values.from.length > 0 ? values.from : [{ place: 'header' as const, name: '' }]
  ).map(({ place, name }) => ({
    place,
    name: place === 'header' && name === '' ? 'X-API-Key' : name,
  }));
  return {
    name: values.scheme,
    kind: 'api-key',
    sources,
    async prove(incoming) {
      const found = tokenOf(incoming, sources);
      if (found === undefined) return { result: 'none' };
      const known = (await secrets()).filter(({ secret }) => isSameSecret(secret, found.token));
      const [first] = known;
      return first === undefined
        ? { result: 'wrong', reason: 'the key is not known' }
        : { ...granted(first.name, values), cookie: found.place === 'cookie' };
    },
    challenge: () => `ApiKey ${REALM}`,
  };
}

function basicScheme({ credential }: SchemeLent, values: CallerValues): Scheme {
  type Account = Extract<Credential, { kind: 'basic' }>;
  const accounts = kept(() =>
    Promise.all(
      values.credentials.map(async (name): Promise<Account> => {
        const found = await credential(name);
        if (found.kind !== 'basic') throw misfit(name, values.kind, 'basic');
        return found;
      }),
    ),
  );
  return {
    name: values.scheme,
    kind: 'basic',
    sources: [],
    async prove({ headers }) {
      const [, proof] = /^Basic +([A-Za-z0-9+/]+=*) *$/i.exec(headers.authorization ?? '') ?? [];
      if (proof === undefined) return { result: 'none' };
      const [, user = '', password = ''] =
        /^([^:]*):(.*)$/s.exec(Buffer.from(proof, 'base64').toString('utf8')) ?? [];
      // Every account is compared, so that the time says nothing of which users there are.
      const fitting = (await accounts()).filter((one) =>
        isSameSecret(`${one.user}\0${one.password}`, `${user}\0${password}`),
      );
      return fitting.length > 0
        ? granted(user, values)
        : { result: 'wrong', reason: 'user or password is wrong' };
    },
    challenge: () => `Basic ${REALM}, charset="UTF-8"`,
  };
}

function certificateScheme(values: CallerValues): Scheme {
  return {
    name: values.scheme,
    kind: 'certificate',
    sources: [],
    prove: ({ certificate }: Incoming) =>
      Promise.resolve(
        certificate === undefined ? { result: 'none' } : granted(certificate.subject, values),
      ),
    challenge: (reason) =>
      `Certificate ${REALM}${reason === undefined ? '' : `, error_description=${quoted(reason)}`}`,
  };
}

function misfit(name: string, kind: string, needed: string): DisableError {
  return new DisableError(
    `callers: the credential ${name} does not serve for kind ${kind}. Name one of kind ${needed}.`,
  );
}
