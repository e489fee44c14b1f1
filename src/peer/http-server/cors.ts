import * as setting from '../../adapter/setting.ts';
import type { HttpReply } from './http-reply.ts';
import type { Incoming } from './incoming.ts';
import { Refusal } from './refusal.ts';

const fields = {
  origins: setting.list(
    setting.text({ help: 'An origin such as https://portal.hospital.example, or * for all.' }),
    {
      help: 'Which web pages may call, by their origin. Pages from other origins get no answer they can read.',
      example: '["https://portal.hospital.example"]',
    },
  ),
  headers: setting.list(setting.text({ help: 'The name of a header.' }), {
    help: 'Which headers pages may send besides the standard ones.',
    default: ['Authorization', 'Content-Type', 'Idempotency-Key'],
  }),
  expose: setting.list(setting.text({ help: 'The name of a header.' }), {
    help: 'Which headers of an answer pages may read.',
    default: ['WWW-Authenticate', 'Retry-After'],
    advanced: true,
  }),
  credentials: setting.flag({
    help: 'Whether pages may send cookies and certificates. Not with the origin *.',
    default: false,
  }),
  maxAge: setting.duration({
    help: 'How long a browser may remember the permission.',
    default: '10m',
    advanced: true,
  }),
};

type CorsGiven = setting.SettingsOf<typeof fields> | undefined;
export type CorsPolicy = setting.ValuesOf<typeof fields>;

const block = setting.group(fields, {
  help: 'Lets pages in browsers call this service (CORS). The preflight is answered before any sign-in. If left out, browsers refuse pages from other origins.',
});

export const corsSettings: setting.Setting<CorsPolicy | undefined, CorsGiven> = {
  ...block,
  read: (given, context) => {
    const read = block.read(given, context);
    return read.ok && read.value?.credentials === true && read.value.origins.includes('*')
      ? {
          ok: false,
          problems: [
            {
              path: ['credentials'],
              problem: 'cannot be combined with the origin *: name the origins',
            },
          ],
        }
      : read;
  },
};

type Headers = Readonly<Record<string, string>>;

/** Whether the policy allows this origin. */
export function isAllowedOrigin(
  policy: CorsPolicy | undefined,
  origin: string | undefined,
): boolean {
  return (
    policy !== undefined &&
    origin !== undefined &&
    (policy.origins.includes('*') || policy.origins.includes(origin))
  );
}

/** The headers of every answer to a page; pages of unlisted origins get none. */
export function corsHeaders(
  policy: CorsPolicy | undefined,
  { headers }: Pick<Incoming, 'headers'>,
): Headers {
  const { origin } = headers;
  if (policy === undefined) return {};
  if (origin === undefined || !isAllowedOrigin(policy, origin)) return { vary: 'Origin' };
  return {
    vary: 'Origin',
    'access-control-allow-origin': policy.origins.includes('*') ? '*' : origin,
    ...(policy.credentials && { 'access-control-allow-credentials': 'true' }),
    ...(policy.expose.length > 0 && { 'access-control-expose-headers': policy.expose.join(', ') }),
  };
}

/** Whether a request is the one that a browser sends before the actual request. */
export function isPreflight({ method, headers }: Pick<Incoming, 'method' | 'headers'>): boolean {
  return (
    method === 'OPTIONS' &&
    headers.origin !== undefined &&
    headers['access-control-request-method'] !== undefined
  );
}

/** The answer to a preflight, in addition to `corsHeaders`. Throws the Refusal of an origin that is not allowed. */
export function preflightReply(
  policy: CorsPolicy,
  methods: readonly string[],
  { headers: asked }: Pick<Incoming, 'headers'>,
): HttpReply {
  const { origin } = asked;
  if (!isAllowedOrigin(policy, origin)) {
    throw new Refusal(403, 'Pages from this origin are not allowed to call.', {
      told: `its page is of the origin ${saidOrigin(origin)}, which is not listed under cors`,
    });
  }
  const headers = {
    'access-control-allow-methods': methods.join(', '),
    'access-control-allow-headers': policy.headers.join(', '),
    'access-control-max-age': String(Math.floor(policy.maxAge / 1_000)),
  };
  return { status: 204, headers, body: '' };
}

/** What a page asks in a preflight and the policy does not allow, so that its browser sends nothing more; undefined if nothing. */
export function notAllowed(
  policy: CorsPolicy | undefined,
  methods: readonly string[],
  { headers }: Pick<Incoming, 'headers'>,
): string | undefined {
  const method = String(headers['access-control-request-method']);
  const page = `a page of the origin ${saidOrigin(headers.origin)}`;
  if (policy === undefined) return `${page} asks whether it may call, and there is no cors`;
  if (!ALWAYS.has(method) && !methods.includes(method)) {
    const said = /^[A-Z]{1,20}$/.test(method) ? method : 'another method';
    return `${page} wants to send ${said}, which is not accepted here`;
  }
  const listed = new Set(policy.headers.map((name) => name.toLowerCase()));
  if (listed.has('*') && !policy.credentials) return undefined;
  const asked = (headers['access-control-request-headers'] ?? '').split(',');
  const lacking = asked.find((name) => {
    const trimmed = name.trim().toLowerCase();
    return /^[\w-]{1,60}$/.test(trimmed) && !listed.has(trimmed);
  });
  return (
    lacking && `${page} wants to send the header ${lacking.trim()}, which is not under cors.headers`
  );
}

/** What browsers send without asking. */
const ALWAYS = new Set(['GET', 'HEAD', 'POST']);

/** An origin as a browser sends it; nothing else that a caller may have written there. */
export function saidOrigin(origin: string | undefined): string {
  if (origin === undefined) return 'that it does not name';
  return /^[a-z][a-z0-9+.-]{0,20}:\/\/[\w.:[\]-]{1,100}$/i.test(origin)
    ? origin
    : 'null, or of no known form';
}
