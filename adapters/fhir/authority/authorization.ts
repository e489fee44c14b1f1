import { randomBytes } from 'node:crypto';
import {
  type Attempts,
  EngineError,
  type Grants,
  type LentInbound,
  type SignInTools,
  type setting,
} from 'waybill/adapter';
import { isSameSecret } from 'waybill/peer/basics';
import {
  type CorsPolicy,
  callerAddresses,
  checkSameSite,
  cookieOf,
  type HttpReply,
  type Incoming,
  Refusal,
} from 'waybill/peer/http-server';
import { type OidcAttempt, type SealedAttempts, sealedAttempts } from 'waybill/peer/oidc';
import { nobodyNow, type PageLanguage, pageLanguage, type User } from 'waybill/peer/sign-in';
import type { AuthorityValues } from './authority-settings.ts';
import {
  AuthorizationError,
  type AuthorizationRequest,
  answerUrl,
  authorizationRequest,
} from './authorization-request.ts';
import type { Clients } from './clients.ts';
import { personScopes } from './granted-scopes.ts';
import { type OfferedPatient, patientPage, type RefusedSignIn, signInPage } from './pages.ts';
import type { People, Person } from './people.ts';

export type AuthorityLent = Pick<
  LentInbound<setting.Settings>,
  'host' | 'event' | 'credential' | 'verifier' | 'signal'
> & { readonly signIn: SignInTools };

/** What a code stands for: who let which application in, to what, for whom. */
export interface Allowed {
  readonly client: string;
  readonly scope: string;
  readonly patient?: string | undefined;
  readonly encounter?: string | undefined;
  readonly fhirUser?: string | undefined;
}

export interface CodeClaims extends Allowed {
  readonly redirect: string;
  readonly challenge: string;
  readonly nonce?: string | undefined;
  /** Of the person's sign-in. */
  readonly kept: Readonly<Record<string, unknown>>;
}

/** A request that is under way in a browser. */
interface Waiting {
  readonly request: AuthorizationRequest;
  /** Also in a cookie of that browser. */
  readonly binding: string;
  /** Of the person's browser; a page that an older version made has none. */
  readonly language?: PageLanguage;
  /** Once they have signed in. */
  readonly person?: Person;
  /** While they are at the OpenID provider. */
  readonly attempt?: OidcAttempt;
}

interface Context {
  readonly patient?: string | undefined;
  readonly encounter?: string | undefined;
}

export interface AuthorizationOptions {
  readonly values: AuthorityValues;
  readonly clients: Clients;
  readonly codes: Grants;
  readonly people: People;
  /** The base address of the FHIR server, without a slash at its end. */
  readonly base: string;
}

const ID = /^[A-Za-z\d\-.]{1,64}$/;
const PATIENCE = 600;
/** The end of the cookie's name with which a browser goes to the provider. */
const THERE = '_there';
/** Browsers keep cookies of 4 KB with their names. */
const LONGEST_COOKIE = 3_800;

const notHere = (): Refusal =>
  new Refusal(
    400,
    'This was not begun in this browser, or more than ten minutes ago. Begin again at the application.',
  );

const idIn = (value: unknown): string | undefined =>
  typeof value === 'string' && ID.test(value) ? value : undefined;

/** A patient that a person may choose, as their claim has it: an id, or `{ id, name }`. */
function offered(value: unknown): OfferedPatient | undefined {
  const { id: given = value, name } = Object(value) as { id?: unknown; name?: unknown };
  const id = idIn(typeof given === 'string' ? given.replace(/^Patient\//, '') : undefined);
  return id === undefined ? undefined : { id, name: typeof name === 'string' ? name : id };
}

/** Lets applications in: a person signs in, sees what is asked for, allows it, and the application gets a code. */
export class Authorization {
  readonly #lent: AuthorityLent;
  readonly #parts: AuthorizationOptions;
  readonly #attempts: Attempts;
  readonly #addressOf: ReturnType<typeof callerAddresses>;
  readonly #own: CorsPolicy;
  #sealed: Promise<SealedAttempts<Waiting>> | undefined;

  constructor(lent: AuthorityLent, parts: AuthorizationOptions) {
    this.#lent = lent;
    this.#parts = parts;
    this.#attempts = lent.signIn.attempts(lent.host);
    this.#addressOf = callerAddresses(parts.values.proxies);
    const { origin } = new URL(parts.base);
    this.#own = { origins: [origin], headers: [], expose: [], credentials: false, maxAge: 0 };
  }

  /** The page of a request, or the way back with an error. */
  begin(incoming: Incoming): Promise<HttpReply> {
    return this.#answering(async () => {
      const { clients, base, people } = this.#parts;
      const request = authorizationRequest(incoming.query, clients, base);
      if (request.launch !== undefined) await this.#context(request);
      const binding = randomBytes(16).toString('base64url');
      const waiting = { request, binding, language: pageLanguage(incoming.headers) };
      return people.hasPasswords ? this.#page(waiting) : this.#toProvider(waiting);
    });
  }

  /** Sends the browser to the OpenID provider; what it asked for goes with it in a cookie. */
  async #toProvider(waiting: Waiting): Promise<HttpReply> {
    const { url, attempt } = await this.#parts.people.start();
    const sealed = (await this.#seals()).seal({ ...waiting, attempt });
    if (sealed.length > LONGEST_COOKIE) {
      const text = 'state, nonce and launch are too long together for a sign-in at the provider';
      throw new AuthorizationError('invalid_request', text, waiting.request);
    }
    const cookies = [
      this.#cookie(waiting.binding, PATIENCE),
      this.#cookie(sealed, PATIENCE, THERE),
    ];
    return seeOther(url.href, cookies);
  }

  /** Takes the browser back from the OpenID provider; the person then sees what is asked for. */
  callback(incoming: Incoming): Promise<HttpReply> {
    return this.#answering(async () => {
      const sealed = cookieOf(incoming.headers, `${this.#cookieName}${THERE}`);
      const waiting = this.#isBound(incoming, (await this.#seals()).open(sealed ?? ''));
      const { attempt, ...before } = waiting;
      if (attempt === undefined || incoming.query.get('state') !== attempt.state) throw notHere();
      if (incoming.query.has('error')) {
        const text = 'the provider did not sign the person in';
        throw new AuthorizationError('access_denied', text, waiting.request);
      }
      const person = await this.#parts.people.finished(incoming, attempt);
      const page = await this.#page({ ...before, person });
      const cookies = [this.#cookie(before.binding, PATIENCE), this.#cookie('', 0, THERE)];
      return { ...page, headers: { ...page.headers, 'set-cookie': cookies } };
    });
  }

  /** Only in the browser in which it began. */
  #isBound({ headers }: Incoming, waiting: Waiting | undefined): Waiting {
    const bound = cookieOf(headers, this.#cookieName);
    if (waiting === undefined || bound === undefined || !isSameSecret(waiting.binding, bound)) {
      throw notHere();
    }
    return waiting;
  }

  /** What the person has entered. */
  decided(incoming: Incoming, form: URLSearchParams): Promise<HttpReply> {
    return this.#answering(async () => {
      checkSameSite(incoming, this.#own);
      const opened = (await this.#seals()).open(form.get('request') ?? '');
      const waiting = this.#isBound(incoming, opened);
      const { request } = waiting;
      if (form.get('decision') === 'provider') return this.#toProvider({ ...waiting });
      if (form.get('decision') !== 'allow') {
        throw new AuthorizationError('access_denied', 'the person did not allow it', request);
      }
      const person = waiting.person ?? (await this.#signedIn(incoming, form));
      if (person instanceof Refusal) {
        const { status, message: text } = person;
        return this.#page(waiting, { status, text, user: (form.get('user') ?? '').slice(0, 200) });
      }
      return this.#allowed({ ...waiting, person }, person, form.get('patient'));
    });
  }

  async #signedIn(incoming: Incoming, form: URLSearchParams): Promise<Person | Refusal> {
    const user = (form.get('user') ?? '').slice(0, 200);
    const address = this.#addressOf(incoming);
    const wait = this.#attempts.tried(user, address);
    if (wait > 0) {
      return new Refusal(
        429,
        `Too many failed sign-ins. Try again in ${Math.ceil(wait / 1_000)} s.`,
      );
    }
    try {
      const password = (form.get('password') ?? '').slice(0, 1_000);
      const found = await this.#parts.people.signedIn(user, password);
      if (found === undefined) return new Refusal(401, 'User or password is wrong.');
      this.#attempts.succeeded(user, address);
      return found;
    } catch (error) {
      if (error instanceof Refusal) return error;
      if (!(error instanceof EngineError)) throw error;
      this.#attempts.undecided(user, address);
      throw nobodyNow(error);
    }
  }

  /** Gives the code, once it is known for which patient. */
  async #allowed(waiting: Waiting, person: Person, chosen: string | null): Promise<HttpReply> {
    const { request } = waiting;
    const { user, kept } = person;
    let context: Context = {};
    if (request.launch !== undefined) context = await this.#context(request, user.name);
    else if (request.scopes.includes('launch/patient')) {
      const own = this.#patientsOf(user);
      const only = own[0]?.id;
      if (only === undefined) {
        const text = 'the person may choose no patient';
        throw new AuthorizationError('access_denied', text, request);
      }
      if (own.length > 1 && chosen === null) return this.#page(waiting, undefined, own);
      const patient = chosen ?? only;
      if (!own.some(({ id }) => id === patient)) {
        throw new AuthorizationError('access_denied', 'not a patient of this person', request);
      }
      context = { patient };
    }
    const scope = this.#scopeFor(request, user, context);
    const { fhirUser } = user.claims;
    const { client, redirect, challenge, nonce } = request;
    const code: CodeClaims = {
      client,
      scope,
      redirect,
      challenge,
      nonce,
      kept,
      ...context,
      fhirUser: typeof fhirUser === 'string' ? fhirUser : undefined,
    };
    const { codes } = this.#parts;
    const issued = await codes.begin({ subject: user.name, claims: { ...code } });
    const location = answerUrl(request, { code: issued.refreshToken, iss: this.#parts.base });
    return seeOther(location, [this.#cookie('', 0)]);
  }

  /** No more than the person may do themselves, and for one patient only where there is one. */
  #scopeFor(request: AuthorizationRequest, user: User, { patient }: Context): string {
    const scopes = personScopes(request.scopes, user.claims['scope']).filter(
      (one) => patient !== undefined || !/^(patient\/|launch)/.test(one),
    );
    if (scopes.length > 0) return scopes.join(' ');
    throw new AuthorizationError('access_denied', 'the person has none of these scopes', request);
  }

  #patientsOf({ claims }: User): readonly OfferedPatient[] {
    const value = claims[this.#parts.values.patientFrom];
    return [value].flat().flatMap((one) => offered(one) ?? []);
  }

  /** What the EHR has open, by its launch token. */
  async #context(request: AuthorizationRequest, user?: string): Promise<Context> {
    const { launchKey } = this.#parts.values;
    const wrong = (text: string): AuthorizationError =>
      new AuthorizationError('invalid_request', `launch: ${text}`, request);
    if (launchKey === undefined) throw wrong('no EHR launches applications here');
    const claims = await this.#lent.signIn.keys
      .verify(launchKey, request.launch ?? '')
      .catch((error: unknown) => {
        if (!(error instanceof EngineError) || error.code !== 'CREDENTIAL_REFUSED') throw error;
        throw wrong(/^credential \S+: (.*?)\. /s.exec(error.message)?.[1] ?? 'it is refused');
      });
    const { patient, encounter, sub } = claims;
    if (user !== undefined && typeof sub === 'string' && sub !== user) {
      throw new AuthorizationError('access_denied', 'it was launched by somebody else', request);
    }
    return { patient: idIn(patient), encounter: idIn(encounter) };
  }

  async #page(
    waiting: Waiting,
    refused?: RefusedSignIn,
    patients?: readonly OfferedPatient[],
  ): Promise<HttpReply> {
    const form = {
      action: `${new URL(this.#parts.base).pathname.replace(/\/$/, '')}/auth/authorize`,
      sealed: (await this.#seals()).seal(waiting),
      cookies: [this.#cookie(waiting.binding, PATIENCE)],
      language: waiting.language ?? 'en',
    };
    if (patients !== undefined) return patientPage(waiting.request, form, patients);
    const { provider } = this.#parts.people;
    const person = waiting.person?.user.name;
    return signInPage(waiting.request, form, { person, provider, refused });
  }

  async #answering(work: () => Promise<HttpReply>): Promise<HttpReply> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AuthorizationError)) throw error;
      const answer = { error: error.error, error_description: error.message };
      return seeOther(answerUrl(error.to, answer), []);
    }
  }

  async #seals(): Promise<SealedAttempts<Waiting>> {
    const { key } = this.#parts.values;
    this.#sealed ??= this.#lent.signIn.keys
      .derived(key, `requests to ${this.#lent.host}`)
      .then((bytes) => sealedAttempts<Waiting>(bytes));
    try {
      return await this.#sealed;
    } catch (error) {
      this.#sealed = undefined;
      throw error;
    }
  }

  get #isSecure(): boolean {
    return this.#parts.base.startsWith('https:');
  }

  get #cookieName(): string {
    return `${this.#isSecure ? '__Host-' : ''}${this.#lent.host}_smart`;
  }

  #cookie(value: string, seconds: number, more = ''): string {
    const secure = this.#isSecure ? '; Secure' : '';
    return `${this.#cookieName}${more}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`;
  }
}

const seeOther = (location: string, cookies: readonly string[]): HttpReply => ({
  status: 303,
  headers: {
    location,
    'referrer-policy': 'no-referrer',
    ...(cookies.length > 0 && { 'set-cookie': [...cookies] }),
  },
  body: '',
});
