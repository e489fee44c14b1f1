import type { Lent } from '../../adapter/adapter.ts';
import type { Address, Settings } from '../../adapter/setting.ts';
import {
  notGranted,
  type Step,
  type StepDetail,
  StepFailure,
  stepFailure,
} from '../../adapter/test-step.ts';
import { placeOf } from '../dial.ts';
import { probe } from '../probe.ts';
import { tryHandshake } from '../tls/handshake.ts';
import { hasExpired, tokenFacts } from '../token-claims.ts';
import { challengesOf } from './challenge.ts';
import { HttpClient } from './http-client.ts';
import type { HttpClientValues } from './http-client-settings.ts';
import { type HttpAnswer, placeOfUrl } from './http-exchange.ts';
import type { TransportValues } from './transport.ts';
import { tunnel } from './tunnel.ts';

export interface HttpTrial {
  /** Where to look. If the address depends on the message: its literal part. */
  readonly url: URL;
  /** The method; it must not change anything. */
  readonly method: 'HEAD' | 'GET' | 'OPTIONS';
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether `url` is the complete address, so that a 404 means something. */
  readonly exact: boolean;
  /** What an answer proves of the address, whatever its status; undefined where the status decides. */
  readonly proves?: (answer: HttpAnswer) => string | undefined;
}

type Reaching = Pick<TransportValues, 'tls' | 'proxy' | 'proxyCredential' | 'connectTimeout'>;

type Lending = Pick<Lent<Settings>, 'credential' | 'connection' | 'signal'>;

/**
 * The steps of every connection test of a web client: `name`, `TCP`, (`proxy`,) `TLS`, `HTTP`,
 * `sign-in`, `permission`, `path`. No message is sent. Returns the answer that the signed-in client
 * got.
 */
export async function tryHttp(
  lent: Lending,
  step: Step,
  { values, trial }: { readonly values: HttpClientValues; readonly trial: HttpTrial },
): Promise<HttpAnswer> {
  await tryReaching(lent, step, { url: trial.url, values });
  const client = await HttpClient.open(lent, values).catch((error: unknown) => {
    throw stepFailure(error);
  });
  try {
    return await steps(client, step, { values, trial, signal: lent.signal });
  } finally {
    await client.close();
  }
}

/** The steps `name`, `TCP`, `proxy` if there is one, and `TLS` of a connection test. */
export async function tryReaching(
  lent: Pick<Lent<Settings>, 'credential'>,
  step: Step,
  { url, values }: { readonly url: URL; readonly values: Reaching },
): Promise<void> {
  const { proxy } = values;
  const isSecure = url.protocol === 'https:';
  await probe(lent, step, {
    address: addressOf(proxy ?? url),
    ...(proxy === undefined && isSecure ? { tls: values.tls, alwaysTls: true } : {}),
    ...((proxy ?? url).protocol === 'http:' ? { silent: true } : {}),
  });
  if (proxy !== undefined && isSecure) await throughProxy(lent, step, { url, values, proxy });
}

const addressOf = ({ hostname, port, protocol }: URL): Address => ({
  host: hostname.replaceAll(/^\[|\]$/g, ''),
  port: Number(port) || (protocol === 'https:' ? 443 : 80),
});

/** The handshake with the target itself, behind the proxy. */
async function throughProxy(
  lent: Pick<Lent<Settings>, 'credential'>,
  step: Step,
  { url, values, proxy }: { readonly url: URL; readonly values: Reaching; readonly proxy: URL },
): Promise<void> {
  const address = addressOf(url);
  const socket = await step('proxy', (detail) =>
    plainly(async () => {
      const through = await tunnel(lent, { ...values, proxy }, placeOf(address));
      detail(`${placeOfUrl(proxy)} connects with ${placeOf(address)}`);
      return through;
    }),
  );
  const handshake = { address, place: placeOf(address), tls: values.tls, over: socket };
  await step('TLS', (detail) => tryHandshake(lent, handshake, detail));
}

interface Trying {
  readonly values: HttpClientValues;
  readonly trial: HttpTrial;
  readonly signal: AbortSignal;
}

/** Turns errors of the engine into failures of a step. */
function plainly<Value>(work: () => Promise<Value>): Promise<Value> {
  return work().catch((error: unknown) => {
    throw stepFailure(error);
  });
}

async function steps(client: HttpClient, step: Step, trying: Trying): Promise<HttpAnswer> {
  const { exact, proves } = trying.trial;
  const stranger = await step('HTTP', (detail) =>
    plainly(async () => {
      const met = await asStranger(client, trying);
      const { question, answer } = met;
      detail(`${question.method} is answered with ${answer.status}${serverOf(answer)}`);
      await checkClientCertificate(client, met, trying);
      return met;
    }),
  );
  const answer =
    trying.values.credential === undefined
      ? stranger.answer
      : await step('sign-in', (detail) => plainly(() => signedIn(client, stranger, detail)));
  await step('permission', (detail) => detail(permission(answer, trying)));
  await step('path', (detail) => detail(proves?.(answer) ?? pathState(answer, exact)));
  return answer;
}

type Question = Parameters<HttpClient['ask']>[0];

/** What the server answers without a credential, and to which request. */
interface Met {
  readonly question: Question;
  readonly answer: HttpAnswer;
}

/**
 * A server that does not support the method may say so before it checks who asks: then another one
 * that changes nothing is tried.
 */
async function asStranger(client: HttpClient, { trial, signal }: Trying): Promise<Met> {
  const { url, method, headers = {} } = trial;
  const first = await ask(method);
  if (!isMethodRefused(first.answer)) return first;
  for (const other of (['GET', 'OPTIONS'] as const).filter((one) => one !== method)) {
    const met = await ask(other);
    if (!isMethodRefused(met.answer)) return met;
  }
  return first;

  async function ask(by: HttpTrial['method']): Promise<Met> {
    const question = { url, method: by, headers, signal };
    return { question, answer: await client.askAsNobody(question) };
  }
}

const isMethodRefused = ({ status }: HttpAnswer): boolean => status === 405 || status === 501;

/** nginx accepts the connection and names the missing certificate in the body of a 400. */
async function checkClientCertificate(
  client: HttpClient,
  { question, answer }: Met,
  { values }: Trying,
): Promise<void> {
  if (answer.status !== 400 || question.url.protocol !== 'https:') return;
  const { body } = await client.askAsNobody({ ...question, method: 'GET' });
  const [said] = /(?:No required|The) SSL certificate[\w ]*/.exec(body.toString('latin1')) ?? [];
  if (said === undefined) return;
  throw values.tls?.certificate === undefined
    ? new StepFailure(
        `the server wants a client certificate (400: ${said})`,
        'Set tls.certificate to a credential of kind certificate that the server knows',
      )
    : new StepFailure(
        `the server does not accept the client certificate (400: ${said})`,
        'Give the certificate of its issuer to those who run the server, and check its chain, its expiry and that it is a client certificate',
      );
}

async function signedIn(
  client: HttpClient,
  { question, answer: stranger }: Met,
  detail: StepDetail,
): Promise<HttpAnswer> {
  const token = await client.token(question.signal);
  if (token !== undefined) detail(tokenFacts(token));
  const missing = client.notGranted();
  if (missing.length > 0) throw notGranted(missing);
  const answer = await client.ask(question);
  if (answer.status !== 401 && answer.status === stranger.status) {
    detail(
      `${question.method} is answered with ${answer.status} with and without the credential: the first message will show whether it is accepted`,
      'untried',
    );
  }
  if (answer.status !== 401) return answer;
  const other = otherWay(answer, client.scheme);
  if (other !== undefined) throw other;
  const told = token !== undefined && hasExpired(token) ? 'the token has expired' : undefined;
  throw new StepFailure(
    `the server refuses the credential (401${challengeText(answer)})`,
    told === undefined && client.scheme === 'ntlm'
      ? 'Check user, password and domain; whether the account is locked, and may sign in there over the network'
      : told === undefined
        ? 'Check user, password or key, and in signIn and keyName how it is sent; for a token compare audience, scope and issuer with what the server expects, and the clocks'
        : `${told}: set a new one, or let a credential of kind oauth2 fetch it`,
  );
}

/** What to sign in with, by the scheme the server offers. */
const WAYS: Readonly<Record<string, string>> = {
  basic: 'a credential of kind basic',
  digest: 'a credential of kind basic with signIn: digest',
  bearer: 'a credential of kind oauth2, bearer or jwt-key',
  ntlm: 'a credential of kind ntlm',
  negotiate: 'a credential of kind kerberos',
};

/** If the server does not offer what was used, no user and password will work. */
function otherWay(answer: HttpAnswer, used: string | undefined): StepFailure | undefined {
  const offered = challengesOf(answer.headers['www-authenticate']).map(({ scheme }) => scheme);
  const known = offered.every((one) => one in WAYS);
  if (used === undefined || !known || offered.length === 0 || offered.includes(used)) {
    return undefined;
  }
  const named = offered.map((one) => (one === 'ntlm' ? 'NTLM' : capital(one))).join(', ');
  const ways = offered.flatMap((one) => WAYS[one] ?? []);
  return new StepFailure(
    `the server accepts ${named}, but was sent ${used === 'ntlm' ? 'NTLM' : capital(used)} (401)`,
    `Use ${ways.join(', or ')}`,
  );
}

const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1, 20);

function permission(answer: HttpAnswer, { values }: Trying): string {
  if (answer.status === 401) {
    throw new StepFailure(
      `the server wants a sign-in (401${challengeText(answer)}) and no credential is set`,
      'Set a credential of the kind that it asks for',
    );
  }
  if (answer.status === 407) {
    throw new StepFailure('the proxy wants a sign-in (407)', 'Set proxyCredential');
  }
  if (answer.status !== 403) return `answered with ${answer.status}`;
  const [{ parameters } = { parameters: {} as Readonly<Record<string, string>> }] = challengesOf(
    answer.headers['www-authenticate'],
  );
  const scope = parameters['scope'];
  throw new StepFailure(
    `the server knows the caller but does not let it in (403${challengeText(answer)})`,
    scope === undefined
      ? `Have the permission granted${values.tls?.certificate === undefined ? '; it may also want a client certificate' : ''}`
      : `Have the scope ${scope.slice(0, 200)} granted, and ask for it in the credential`,
  );
}

function pathState({ status }: HttpAnswer, exact: boolean): string {
  if (status === 404 || status === 410) {
    if (!exact)
      return `not tried: the address depends on the message (its beginning gives ${status})`;
    throw new StepFailure(
      `the server has nothing at this address (${status})`,
      'Correct the path in url',
    );
  }
  if (status >= 500) {
    throw new StepFailure(
      `the server has a problem of its own (${status})`,
      'Look at the log of the peer; messages are retried automatically',
    );
  }
  if (status === 405 || status === 501) return `it exists and supports other methods (${status})`;
  return exact ? `it exists (${status})` : `its beginning exists (${status})`;
}

function serverOf({ headers }: HttpAnswer): string {
  const { server } = headers as { server?: string };
  return server === undefined ? '' : ` by ${server.replaceAll(/\p{Cc}/gu, '?').slice(0, 60)}`;
}

function challengeText({ headers }: HttpAnswer): string {
  const said = challengesOf(headers['www-authenticate']).map(({ scheme, parameters }) => {
    const why = parameters['error_description'] ?? parameters['error'];
    return why === undefined ? scheme : `${scheme}: ${why}`;
  });
  const text = said
    .join(', ')
    .replaceAll(/\p{Cc}/gu, '?')
    .slice(0, 200);
  return text === '' ? '' : `; ${text}`;
}
