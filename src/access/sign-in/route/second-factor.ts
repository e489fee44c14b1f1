import type { FastifyRequest } from 'fastify';
import { OPEN_LIMIT } from '../../../web/admission.ts';
import type { Api } from '../../../web/api.ts';
import { ApiError } from '../../../web/api-error.ts';
import { closed, Done, Json, list, maybe, Time } from '../../../web/schema.ts';
import { Type } from '../../../web/type.ts';
import { principalOf } from '../../rights/require-permission.ts';
import { ownerOf } from '../factor/factor-store.ts';
import type { Person } from '../factor/second-factors.ts';
import { siteFor } from '../second-step.ts';
import type { SignIn } from '../sign-in.ts';
import { attempted } from '../signed-in.ts';

const tags = ['sign-in'];
const Password = Type.String({ minLength: 1, maxLength: 1_000 });
const Ticket = Type.String({ maxLength: 4_000 });
const Codes = list(Type.String(), { description: 'Recovery codes, shown only once.' });
const Added = Type.Object({
  codes: maybe(Codes),
  codesElsewhere: maybe(
    Type.Boolean({
      description: 'Another one was added meanwhile: its recovery codes hold for this one too.',
    }),
  ),
});

const Own = Type.Object({
  allowed: Type.Boolean({ description: 'Whether somebody who signed in this way may have one.' }),
  required: Type.Boolean(),
  totp: maybe(Type.Object({ created: Time, lastUsed: maybe(Time) })),
  passkeys: list(
    Type.Object({
      id: Type.String(),
      label: Type.String(),
      site: Type.String({ description: 'The name of the console that it belongs to.' }),
      created: Time,
      lastUsed: maybe(Time),
    }),
  ),
  codesLeft: Type.Integer(),
  obstacle: maybe(Type.String({ description: 'Why no passkey can be made here.' })),
});

/** One's own second factors. Every change asks for the password again. */
export function secondFactorRoutes(api: Api, signIn: SignIn): void {
  api.get(
    '/me/second-factor',
    {
      config: { beforeFactor: true },
      schema: { tags, summary: 'Your own second factors.', response: { 200: Own } },
    },
    async (request) => {
      const person = principalOf(request);
      const own = await signIn.factors.own(person, siteFor(signIn, request));
      return { allowed: signIn.factors.mayHave(person), ...own };
    },
  );
  appRoutes(api, signIn);
  passkeyRoutes(api, signIn);
  changeRoutes(api, signIn);
}

function appRoutes(api: Api, signIn: SignIn): void {
  const { factors } = signIn;

  api.post(
    '/me/second-factor/totp',
    {
      config: { beforeFactor: true },
      bodyLimit: OPEN_LIMIT,
      schema: {
        tags,
        summary: 'A new secret for an authenticator app, kept once a code of it is sent.',
        body: closed({ password: Password }),
        response: {
          200: Type.Object({
            secret: Type.String({ description: 'Base32, to be typed.' }),
            uri: Type.String({ description: 'For a QR code.' }),
            ticket: Type.String({ description: 'To be sent back with the first code.' }),
          }),
        },
      },
    },
    async (request) => {
      const person = await confirmed(signIn, request);
      return factors.newTotp(person, siteFor(signIn, request));
    },
  );

  api.post(
    '/me/second-factor/totp/confirm',
    {
      config: { beforeFactor: true },
      bodyLimit: OPEN_LIMIT,
      schema: {
        tags,
        summary:
          'Keeps the app whose code this is, instead of an earlier one; other sessions end, and pairs of tokens.',
        body: closed({ ticket: Ticket, code: Type.String({ maxLength: 20 }) }),
        response: { 200: Added },
      },
    },
    async (request) => {
      const person = entitled(signIn, request);
      const { ticket, code } = request.body;
      const added = await factors.addTotp(person, ticket, code);
      await changed(signIn, request, 'second-factor.add', { kind: 'totp' });
      return added;
    },
  );
}

function passkeyRoutes(api: Api, signIn: SignIn): void {
  const { factors } = signIn;

  api.post(
    '/me/second-factor/passkey',
    {
      config: { beforeFactor: true },
      bodyLimit: OPEN_LIMIT,
      schema: {
        tags,
        summary: 'What a browser needs for making a passkey (WebAuthn).',
        body: closed({ password: Password }),
        response: { 200: Type.Object({ options: Json, ticket: Type.String() }) },
      },
    },
    async (request) => {
      const person = await confirmed(signIn, request);
      return factors.newPasskey(person, siteFor(signIn, request));
    },
  );

  api.post(
    '/me/second-factor/passkey/confirm',
    {
      config: { beforeFactor: true },
      schema: {
        tags,
        summary:
          'Keeps the passkey that the browser made; other sessions end, and pairs of tokens.',
        body: closed({
          ticket: Ticket,
          label: Type.String({ minLength: 1, maxLength: 100 }),
          response: Json,
        }),
        response: { 200: Added },
      },
    },
    async (request) => {
      const person = entitled(signIn, request);
      const { label } = request.body;
      const added = await factors.addPasskey(person, siteFor(signIn, request), request.body);
      await changed(signIn, request, 'second-factor.add', { kind: 'passkey', label });
      return added;
    },
  );
}

function changeRoutes(api: Api, signIn: SignIn): void {
  const { factors } = signIn;

  api.post(
    '/me/second-factor/recovery-codes',
    {
      bodyLimit: OPEN_LIMIT,
      schema: {
        tags,
        summary: 'New recovery codes; all earlier ones are void.',
        body: closed({ password: Password }),
        response: { 200: Type.Object({ codes: Codes }) },
      },
    },
    async (request) => {
      const owner = ownerOf(await confirmed(signIn, request));
      if ((await factors.store.kinds(owner)).length === 0)
        throw new ApiError(
          409,
          'CONFLICT',
          'there is no second factor that they could stand in for',
        );
      const codes = await factors.store.newCodes(owner);
      await recorded(signIn, request, 'second-factor.codes', {});
      return { codes };
    },
  );

  api.post(
    '/me/second-factor/remove',
    {
      bodyLimit: OPEN_LIMIT,
      schema: {
        tags,
        summary:
          'Removes the app (`totp`) or a passkey by its id; other sessions and all tokens end.',
        body: closed({ password: Password, which: Type.String({ maxLength: 2_000 }) }),
        response: { 200: Done },
      },
    },
    async (request) => {
      const { which } = request.body;
      await factors.remove(await confirmed(signIn, request), which);
      // a device that is lost may still be signed in, and a thief have made a token with it
      await changed(signIn, request, 'second-factor.remove', {
        kind: which === 'totp' ? 'totp' : 'passkey',
      });
      return { done: true as const };
    },
  );
}

/** Who asks, provided that they may have a second factor here. */
function entitled({ factors }: SignIn, request: FastifyRequest): Person {
  const person = principalOf(request);
  if (factors.mayHave(person)) return person;
  throw new ApiError(
    409,
    'CONFLICT',
    'a second factor is kept here only for people who sign in with a password here; yours is at your provider',
  );
}

/** Who asks, after their password was right: a session that was left open changes nothing. */
async function confirmed(
  signIn: SignIn,
  request: FastifyRequest<{ Body: { readonly password: string } }>,
): Promise<Person> {
  const person = entitled(signIn, request);
  const { name, via } = person;
  const attempt = { user: name, password: request.body.password, ip: request.ip };
  const checked = await attempted(signIn, request, { method: via, user: name }, () =>
    signIn.local.check(attempt),
  );
  if (checked.via === via) return person;
  throw new ApiError(
    409,
    'CONFLICT',
    `${name} is somebody else ${checked.via} by now: sign in again`,
  );
}

/** After a factor was added or removed: who is signed in elsewhere has not proved what is left. */
async function changed(
  signIn: SignIn,
  request: FastifyRequest,
  action: string,
  detail: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { name, via, csrfToken } = principalOf(request);
  await signIn.sessions.endOthers(name, via, csrfToken ?? '');
  // the same name in a directory is another person, who has no tokens
  if (via === 'local')
    await signIn.tokens.endAll(name, action === 'second-factor.remove' ? 'all' : 'pairs');
  await recorded(signIn, request, action, detail);
}

async function recorded(
  { audit }: SignIn,
  request: FastifyRequest,
  action: string,
  detail: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { name, via } = principalOf(request);
  const entry = { actor: { name, via }, ip: request.ip, action, object: `user ${name}` };
  await audit.record({ ...entry, outcome: 'done', detail });
}
