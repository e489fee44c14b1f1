import type { Envelope } from './envelope.ts';

/** Who sent a message, as the service that took it has proven. */
export interface MessageCaller {
  readonly name: string;
  /** What the caller's token says; nothing for keys, passwords and certificates. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** The launch by an EHR (SMART on FHIR) that the caller is signed in with, if any. */
  readonly launch?: LaunchOfCaller | undefined;
}

export interface LaunchOfCaller {
  /** The realm of the service's sign-in. */
  readonly realm: string;
  readonly id: string;
}

/** Undefined if nobody had to prove anything. */
export function callerOf({ caller }: Pick<Envelope, 'caller'>): MessageCaller | undefined {
  // written by `callerText`
  return caller === undefined ? undefined : (JSON.parse(caller) as MessageCaller);
}

/** The caller of a message that a person sends again, or that was made of several people's: an EHR must not take it for one of the launch. */
export function callerWithoutLaunch(message: Pick<Envelope, 'caller'>): string | undefined {
  const known = callerOf(message);
  return known?.launch === undefined
    ? message.caller
    : JSON.stringify({ ...known, launch: undefined });
}

/** About a token and not about its owner. */
const OF_TOKENS: ReadonlySet<string> = new Set([
  'aud',
  'exp',
  'iat',
  'nbf',
  'jti',
  'sid',
  'nonce',
  'at_hash',
  'c_hash',
  's_hash',
  'cnf',
]);

/** How a caller is stored with a message. */
export function callerText(
  { name, claims, launch }: MessageCaller,
  only: readonly string[] = [],
): string {
  const kept = Object.entries(claims).filter(([claim]) => !OF_TOKENS.has(claim));
  const named = only.map((path) => [path, claimAt(claims, path)] as const);
  const told = Object.fromEntries(only.length === 0 ? kept : named);
  return JSON.stringify({ name, claims: told, launch });
}

/** The claim at a path with dots between its levels. */
export function claimAt(claims: MessageCaller['claims'], path: string): unknown {
  // The name of a claim may contain dots, as web addresses do.
  if (Object.hasOwn(claims, path)) return claims[path];
  let current: unknown = claims;
  for (const name of path.split('.')) {
    const isBlock = typeof current === 'object' && current !== null && !Array.isArray(current);
    if (!isBlock || !Object.hasOwn(current as object, name)) return undefined;
    current = (current as Readonly<Record<string, unknown>>)[name];
  }
  return current;
}

/** The values of a claim as texts: of a list each, of a text of scopes as it is. */
export function claimTexts(claims: MessageCaller['claims'], path: string): string[] {
  return [claimAt(claims, path)].flat().flatMap((one) => {
    if (typeof one === 'string') return [one];
    return typeof one === 'number' || typeof one === 'boolean' ? [String(one)] : [];
  });
}
