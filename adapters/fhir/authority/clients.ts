import { EngineError, type Grants, type Lent, type setting } from 'waybill/adapter';
import { isSameSecret } from 'waybill/peer/basics';
import type { Incoming } from 'waybill/peer/http-server';
import type { AuthorityClient } from './authority-settings.ts';
import { OAuthError } from './oauth-error.ts';

type LentHere = Pick<Lent<setting.Settings>, 'credential' | 'verifier' | 'signal'>;

const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
/** Longer than an assertion may be valid (SMART: five minutes), with the clocks of both. */
const LONGEST = 360_000;

/** The applications, and how each proves who it is. */
export class Clients {
  readonly #lent: LentHere;
  readonly #all: readonly AuthorityClient[];
  readonly #audience: readonly string[];
  readonly #grants: Pick<Grants, 'once'>;

  constructor(
    lent: LentHere,
    all: readonly (AuthorityClient | undefined)[],
    {
      audience,
      grants,
    }: { readonly audience: readonly string[]; readonly grants: Pick<Grants, 'once'> },
  ) {
    this.#lent = lent;
    this.#all = all.filter((one) => one !== undefined);
    this.#audience = audience;
    this.#grants = grants;
  }

  find(id: string | null): AuthorityClient | undefined {
    return this.#all.find((one) => one.id === id);
  }

  /** Whether an application has nothing to prove itself with. */
  isPublic(id: string): boolean {
    const client = this.find(id);
    return client !== undefined && client.secret === undefined && client.key === undefined;
  }

  /** The application of a request to the token endpoint. Throws the OAuthError of one that does not prove itself. */
  async authenticated(incoming: Incoming, form: URLSearchParams): Promise<AuthorityClient> {
    const assertion = form.get('client_assertion');
    if (assertion !== null) return this.#byAssertion(form, assertion);
    const basic = basicOf(incoming);
    const client = this.find(basic?.id ?? form.get('client_id'));
    if (client === undefined) throw unknown('the client is not known here');
    if (client.key !== undefined) throw unknown('the client has to sign its sign-in');
    // `authorityFaults` sees to it that those that ask for themselves have one
    if (client.secret === undefined) return client;
    await this.#prove(client.secret, basic?.secret ?? form.get('client_secret') ?? '');
    return client;
  }

  async #prove(name: string, given: string): Promise<void> {
    const found = await this.#lent.credential(name);
    const secret = found.kind === 'bearer' ? await found.token(this.#lent.signal) : undefined;
    if (secret === undefined || !isSameSecret(secret, given)) {
      throw unknown('the secret of the client is missing or wrong');
    }
  }

  async #byAssertion(form: URLSearchParams, assertion: string): Promise<AuthorityClient> {
    if (form.get('client_assertion_type') !== ASSERTION) {
      throw unknown('client_assertion_type is not that of a JWT');
    }
    const id = form.get('client_id') ?? subjectOf(assertion);
    const client = this.find(id);
    if (client?.key === undefined) throw unknown('the client is not known by a key here');
    const verifier = await this.#lent.verifier(client.key);
    const claims = await verifier
      .verify(assertion, { audience: this.#audience, issuer: client.id })
      .catch((error: unknown) => {
        if (!(error instanceof EngineError) || error.code !== 'CREDENTIAL_REFUSED') throw error;
        throw unknown(/^credential \S+: (.*?)\. /s.exec(error.message)?.[1] ?? 'it is refused');
      });
    await this.#once(client, claims);
    return client;
  }

  /** An assertion counts once, whichever engine it is sent to. */
  async #once(
    { id }: AuthorityClient,
    { sub, jti, exp }: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    if (sub !== id) throw unknown('iss and sub of the assertion are not both the client');
    if (typeof jti !== 'string') throw unknown('the assertion has no jti');
    const now = Date.now();
    if (typeof exp !== 'number' || exp * 1_000 > now + LONGEST) {
      throw unknown('the assertion is valid for more than five minutes');
    }
    if (!(await this.#grants.once(`${id} ${jti}`, now + 2 * LONGEST))) {
      throw unknown('the assertion was used before');
    }
  }
}

const unknown = (why: string): OAuthError => new OAuthError('invalid_client', why, 401);

function basicOf({
  headers,
}: Incoming): { readonly id: string; readonly secret: string } | undefined {
  const [, text] = /^Basic +([A-Za-z0-9+/]+=*) *$/i.exec(headers.authorization ?? '') ?? [];
  if (text === undefined) return undefined;
  const [, id = '', secret = ''] =
    /^([^:]*):(.*)$/s.exec(Buffer.from(text, 'base64').toString('utf8')) ?? [];
  // RFC 6749, 2.3.1: both are encoded as in a form
  return { id: decoded(id), secret: decoded(secret) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    // a % that begins no code: it was not encoded
    return text;
  }
}

/** Whom an assertion is about, before anything of it is believed. */
function subjectOf(assertion: string): string | null {
  try {
    const [, payload = ''] = assertion.split('.');
    const { sub } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub?: unknown };
    return typeof sub === 'string' ? sub : null;
  } catch {
    // it is no JWT
    return null;
  }
}
