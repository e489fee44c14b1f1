import { type CorsPolicy, isAllowedOrigin, saidOrigin } from '../cors.ts';
import type { Incoming } from '../incoming.ts';
import { Refusal } from '../refusal.ts';
import { type Caller, type Proof, quoted, REALM, type Scheme } from './caller.ts';

/** One of these schemes must authenticate the caller, who must have all of these scopes. */
export interface Need {
  readonly schemes: readonly Scheme[];
  readonly scopes: readonly string[];
}

/**
 * What a request needs: one of the alternatives, each of which is a set of needs. With none at all,
 * everybody is let in.
 */
export type Access = readonly (readonly Need[])[];

interface Asked {
  readonly access: Access;
  readonly cors: CorsPolicy | undefined;
  readonly body: () => Promise<Buffer>;
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * The authenticated caller, or undefined if everybody is let in. Throws the Refusal: 401 for an
 * unknown caller, 403 for one without permission.
 */
export async function authorize(incoming: Incoming, asked: Asked): Promise<Caller | undefined> {
  const { access, body } = asked;
  if (access.length === 0) return undefined;
  const proofs = new Map<Scheme, Promise<Proof>>();
  const proofOf = (scheme: Scheme): Promise<Proof> => {
    const proof = proofs.get(scheme) ?? scheme.prove(incoming, body);
    proofs.set(scheme, proof);
    return proof;
  };
  const lacking: string[] = [];
  for (const needs of access) {
    const met = await Promise.all(needs.map((need) => meet(need, proofOf)));
    if (met.every(({ result }) => result === 'met')) {
      if (met.some(({ cookie }) => cookie)) checkSameSite(incoming, asked.cors);
      return together(met.flatMap(({ caller }) => caller ?? []));
    }
    const known = met.every(({ result }) => result !== 'unknown');
    if (known) lacking.push(...met.flatMap((one) => one.lacking));
  }
  if (lacking.length > 0) throw forbidden(incoming, [...new Set(lacking)], access);
  throw await unknown(proofs);
}

/** Removes what was sent for the sign-in from the query: it is not part of the message. */
export function withoutSecrets(incoming: Incoming, access: Access): void {
  if (access.length === 0) return;
  const schemes = access.flat().flatMap((need) => need.schemes);
  for (const { place, name } of schemes.flatMap(({ sources }) => sources)) {
    if (place === 'query') incoming.query.delete(name);
  }
}

/** The first one that was proven, with the signature that any of them sent. */
function together(callers: readonly Caller[]): Caller | undefined {
  const [first] = callers;
  const signature = callers.find((one) => one.signature !== undefined)?.signature;
  return first && (signature === undefined ? first : { ...first, signature });
}

interface Met {
  readonly result: 'met' | 'lacking' | 'unknown';
  readonly caller?: Caller;
  readonly cookie: boolean;
  readonly lacking: readonly string[];
}

async function meet(
  { schemes, scopes }: Need,
  proofOf: (scheme: Scheme) => Promise<Proof>,
): Promise<Met> {
  let best: Met = { result: 'unknown', cookie: false, lacking: [] };
  for (const scheme of schemes) {
    const proof = await proofOf(scheme);
    if (proof.result !== 'proven') continue;
    const { caller, cookie = false } = proof;
    const lacking = scopes.filter((scope) => !caller.scopes.has(scope));
    if (lacking.length === 0) return { result: 'met', caller, cookie, lacking };
    best = { result: 'lacking', caller, cookie, lacking };
  }
  return best;
}

/** A browser also sends cookies with requests triggered by other pages: throws the Refusal of those. */
export function checkSameSite(
  { method, headers, secure }: Incoming,
  cors: CorsPolicy | undefined,
): void {
  const { origin, host = '' } = headers;
  const site = headers['sec-fetch-site'];
  // also what is only asked for may be a message here; a program, an older browser or somebody who
  // types the address or follows a link to it is no other page's doing
  const isOthers = (site === 'cross-site' || site === 'same-site') && !isFollowed(headers);
  if (SAFE.has(method) && !isOthers) return;
  const own = `${secure ? 'https' : 'http'}://${host}`;
  const isSame = site === 'same-origin' || origin === own;
  const isListed = cors?.origins.includes('*') !== true && isAllowedOrigin(cors, origin);
  if (isSame || isListed) return;
  throw new Refusal(
    403,
    'A cookie is accepted only in requests from pages of this origin or a listed one.',
    {
      told: `a cookie came with a request from a page of the origin ${saidOrigin(origin)}, which is not under cors.origins`,
    },
  );
}

/** Whether a person follows a link here, rather than a page in its background or a frame. */
const isFollowed = (headers: Incoming['headers']): boolean =>
  headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';

function forbidden({ method, path }: Incoming, scopes: readonly string[], access: Access): Refusal {
  const text = scopes.join(' ');
  const schemes = access.flat().flatMap((need) => need.schemes);
  const isBearer = schemes.some(({ kind }) => kind === 'bearer');
  const [from] = schemes.flatMap(({ scopesFrom = [] }) => scopesFrom);
  const where = from === undefined ? '' : `; a token’s scopes are read from ${from} (scopeClaim)`;
  return new Refusal(403, `The caller lacks the scope ${text}.`, {
    ...(isBearer && {
      headers: {
        'www-authenticate': `Bearer ${REALM}, error="insufficient_scope", scope=${quoted(text)}`,
      },
    }),
    told: `it lacks the scope ${text} for ${method} ${path.slice(0, 100)}`.concat(where),
  });
}

async function unknown(proofs: ReadonlyMap<Scheme, Promise<Proof>>): Promise<Refusal> {
  const challenges: string[] = [];
  const reasons: string[] = [];
  for (const [scheme, proving] of proofs) {
    const proof = await proving;
    const reason = proof.result === 'wrong' ? proof.reason : undefined;
    if (reason !== undefined) reasons.push(reason);
    const challenge = scheme.challenge(reason);
    if (challenge !== undefined && !challenges.includes(challenge)) challenges.push(challenge);
  }
  const [reason] = reasons;
  return new Refusal(
    401,
    reason === undefined
      ? `A sign-in is needed, but none was found: ${[...proofs.keys()].map(wanted).join('; ')}.`
      : `Not signed in: ${reason}.`,
    {
      headers: { 'www-authenticate': challenges },
      told: reason,
    },
  );
}

const PROOFS: Readonly<Record<Scheme['kind'], string>> = {
  'api-key': 'a key',
  basic: 'user and password in the header Authorization (Basic)',
  bearer: 'a token',
  certificate: 'a client certificate',
  hmac: 'a signature of the body',
};

/** What a caller would have to send, and where it was looked for. */
function wanted({ kind, sources }: Scheme): string {
  const places = sources.map(({ place, name }) =>
    name === '' ? 'the header Authorization (Bearer)' : `${PLACES[place]} ${name}`,
  );
  return places.length === 0 ? PROOFS[kind] : `${PROOFS[kind]} in ${places.join(' or ')}`;
}

const PLACES = {
  header: 'the header',
  cookie: 'the cookie',
  query: 'the query parameter',
} as const;
