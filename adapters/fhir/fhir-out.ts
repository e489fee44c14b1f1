import {
  DisableError,
  inlineBody,
  type Lent,
  type Message,
  type OpenOutbound,
  outbound,
  RejectedError,
  type Reply,
  type SettingsFault,
  type Step,
  StepFailure,
  SuspendError,
  stepFailure,
} from 'waybill/adapter';
import { documentOf } from 'waybill/document';
import { UnderWay } from 'waybill/peer/basics';
import {
  type HttpAnswer,
  HttpClient,
  type HttpQuestion,
  mediaTypeOf,
  outcomeText,
  refusalWords,
  retryAfterOf,
  tryHttp,
} from 'waybill/peer/http';
import { type FhirTarget, type FhirValues, fhirSettings } from './fhir-settings.ts';
import { askedTypes, isOfVersion } from './fhir-version.ts';
import { addressOf, forwarded } from './forwarded.ts';
import { launchedReply, launchedServer, overReply } from './launched-server.ts';
import { jsonOf, type ReadAnswer, searchPages } from './search-pages.ts';

export default outbound({
  type: 'fhir-out',
  title: 'FHIR, sending and searching',
  summary: 'Creates, updates, processes or searches resources on a FHIR server.',
  settings: fhirSettings,
  replies: {
    'sign-in-over': 'fail',
    '2xx': 'complete',
    '304': 'complete',
    '401': 'stop',
    '407': 'stop',
    '408': ['retry', 'fail'],
    '425': ['retry', 'fail'],
    '429': ['retry', 'fail'],
    '4xx': 'fail',
    '5xx': ['retry', 'fail'],
    none: ['retry', 'fail'],
    other: 'fail',
  },
  check: (settings) => Promise.resolve(fhirFaults(settings)),
  launchesOf: ({ launches }) => launches,
  open: (lent) => openFhir(lent),
  test: (lent, step) => tryFhir(lent, step),
});

async function openFhir(lent: Lent<typeof fhirSettings>): Promise<OpenOutbound> {
  const { settings } = lent;
  // not for each message: they are many settings
  const fixed =
    settings.launches === undefined ? { ...settings, url: baseOf(settings) } : undefined;
  const client = await HttpClient.open(lent, settings);
  const sending = new UnderWay();
  const asked = async (
    message: Message,
    target: FhirTarget,
    { signIn, signal }: Pick<HttpQuestion, 'signIn' | 'signal'>,
  ): Promise<ReadAnswer> => {
    const { method, url, headers, body } = await fhirRequest(message, target);
    const first = await client.ask({ method, url, headers, body, signIn, signal });
    if (settings.action !== 'search') return first;
    const { accept = '' } = headers;
    const ask = (next: URL): ReturnType<HttpClient['ask']> =>
      client.ask({ method: 'GET', url: next, headers: { accept }, signIn, signal });
    return searchPages(first, settings, ask);
  };
  const answered = async (message: Message, signal: AbortSignal): Promise<Reply> => {
    if (fixed !== undefined) {
      return fhirReply(await asked(message, fixed, { signIn: undefined, signal }));
    }
    try {
      const server = await launchedServer(lent, message, settings.launches ?? '');
      const { url, signIn } = server;
      const answer = await asked(message, { ...settings, url }, { signIn, signal });
      return launchedReply(fhirReply(answer), server, answer.status);
    } catch (error) {
      const reply = overReply(error);
      if (reply === undefined) throw error;
      return reply;
    }
  };
  return {
    send(message, signal) {
      return signal.aborted
        ? Promise.reject(signal.reason as Error)
        : sending.run(answered(message, signal));
    },
    async close() {
      await sending.ended();
      await client.close();
    },
  };
}

/** `check` has found out whether there is one. */
function baseOf({ url }: Pick<FhirValues, 'url'>): URL {
  if (url === undefined) throw new DisableError('url is missing. Set it, or launches.');
  return url;
}

function fhirFaults({ url, launches, credential }: FhirValues): SettingsFault[] {
  if (launches === undefined) {
    if (url !== undefined) return [];
    return [{ path: ['url'], what: 'is missing', remedy: 'Set it, or launches.' }];
  }
  const given = { url, credential };
  return Object.entries(given).flatMap(([name, value]) =>
    value === undefined
      ? []
      : {
          path: [name],
          what: 'does not go with launches: the EHR of the launch is asked, with its token',
          remedy: 'Remove one of both.',
        },
  );
}

type Trying = Lent<typeof fhirSettings>;

/**
 * The steps of a web client against the server's capability statement, what it says, and whether a
 * search is allowed.
 */
async function tryFhir(lent: Trying, step: Step): Promise<void> {
  const { settings } = lent;
  if (settings.launches !== undefined) {
    const service = `those of the service with the realm ${settings.launches}`;
    await step('EHR', (detail) =>
      detail(`which one, and as whom, each message says: try ${service}`),
    );
    return;
  }
  const base = baseOf(settings);
  const headers = { accept: askedTypes(settings.version).json };
  const described = await tryHttp(lent, step, {
    values: settings,
    trial: { url: addressOf(base, 'metadata'), method: 'GET', headers, exact: true },
  });
  await step('FHIR', (detail) => detail(serverText(described, settings.version)));
  const [, type] = /^([A-Z][A-Za-z]+)(?=[?/]|$)/.exec(settings.query?.source ?? '') ?? [];
  if (type === undefined) return;
  await step('search', async (detail) => {
    const client = await HttpClient.open(lent, settings);
    try {
      const url = addressOf(base, `${type}?_summary=count`);
      const answer = await client.ask({ method: 'GET', url, headers, signal: lent.signal });
      detail(searchVerdict(answer, type));
    } catch (error) {
      throw stepFailure(error);
    } finally {
      await client.close();
    }
  });
}

function serverText({ body }: HttpAnswer, version: FhirValues['version']): string {
  const { resourceType, fhirVersion, software } = Object(jsonOf(body)) as Record<string, unknown>;
  if (resourceType !== 'CapabilityStatement') {
    throw new StepFailure(
      'the server does not describe itself as a FHIR server at /metadata',
      'Correct url: it is the base address, before the type of resource',
    );
  }
  if (
    version !== undefined &&
    typeof fhirVersion === 'string' &&
    !isOfVersion(fhirVersion, version)
  ) {
    throw new StepFailure(
      `the server says that it speaks FHIR ${fhirVersion.slice(0, 20)}`,
      `Correct version, which is ${version}, or url: a server may have each version at an address of its own`,
    );
  }
  const { name } = Object(software) as { name?: unknown };
  const product = typeof name === 'string' ? `, ${name.slice(0, 60)}` : '';
  return `FHIR ${typeof fhirVersion === 'string' ? fhirVersion.slice(0, 20) : '(unknown version)'}${product}`;
}

function searchVerdict(answer: HttpAnswer, type: string): string {
  if (answer.status < 300) return `searching for ${type} is allowed`;
  const { text } = fhirReply(answer);
  throw new StepFailure(
    `a search for ${type} is answered with ${answer.status}${text === undefined ? '' : `: ${text.slice(0, 200)}`}`,
    answer.status === 403
      ? `Have the scope for reading ${type} granted, and request it in the credential`
      : 'Check the credential and what the server supports',
  );
}

interface Entry {
  readonly response?: { readonly status?: unknown; readonly outcome?: unknown };
}

/**
 * The answer of a FHIR server, for the engine to judge. A Bundle of answers accepted with 200 may
 * contain refusals: its code is then that of the worst entry, so that none is overlooked.
 */
function fhirReply({ status, headers, body, resource = jsonOf(body) }: ReadAnswer): Reply {
  const entries = entriesOf(resource);
  const failed = entries
    .map((entry, at) => ({ at, status: statusOf(entry), outcome: entry.response?.outcome }))
    .filter((entry) => entry.status >= 400);
  const worst = Math.max(0, ...failed.map((entry) => entry.status));
  const text =
    failed.length > 0
      ? failed
          .map((one) =>
            `entry ${one.at + 1}: ${one.status} ${outcomeText(one.outcome) ?? ''}`.trim(),
          )
          .join('\n')
      : lines(outcomeText(resource) ?? refusalWords({ status, headers, body }), placed(headers));
  return {
    body,
    type: mediaTypeOf(headers['content-type']).type,
    code: String(status < 300 && worst > 0 ? worst : status),
    text,
    retryAfter: retryAfterOf(headers['retry-after']),
  };
}

const lines = (...all: readonly (string | undefined)[]): string | undefined =>
  all.filter((one) => one !== undefined).join('\n') || undefined;

/** The location of a created or updated resource, and its version. */
function placed(headers: HttpAnswer['headers']): string | undefined {
  const place = headers['location'] ?? headers['content-location'];
  const version = headers['etag'];
  return lines(place, version === undefined ? undefined : `ETag ${version}`);
}

function entriesOf(resource: unknown): readonly Entry[] {
  const { resourceType, type, entry } = Object(resource) as Record<string, unknown>;
  const isAnswers =
    resourceType === 'Bundle' && /^(batch|transaction)-response$/.test(String(type));
  return isAnswers && Array.isArray(entry) ? (entry as Entry[]) : [];
}

const statusOf = ({ response }: Entry): number =>
  Number.parseInt(String(response?.status), 10) || 0;

type FhirQuestion = Omit<HttpQuestion, 'signal'>;

/**
 * The request for one message. Throws a RejectedError if the body is not a FHIR resource, or not
 * one for the action.
 */
async function fhirRequest(message: Message, values: FhirTarget): Promise<FhirQuestion> {
  const { action } = values;
  if (action === 'forward') return forwarded(message, values);
  if (action === 'search') return searched(await found(message, values), values);
  if (action === 'delete') {
    return {
      method: 'DELETE',
      url: addressOf(values.url, await found(message, values)),
      headers: { accept: askedTypes(values.version).json, ...(await matching(message, values)) },
    };
  }
  if (action === 'transaction') return sent(message, values, { method: 'POST', path: '' });
  const resource = await resourceOf(message);
  if (action === 'auto' && isProcessed(resource)) {
    return sent(message, values, { method: 'POST', path: '' });
  }
  const updates = action === 'update' || (action === 'auto' && resource.id !== undefined);
  if (!updates) return created(message, values, resource);
  const path =
    values.query === undefined
      ? `${resource.resourceType}/${encodeURIComponent(idOf(resource))}`
      : await found(message, values);
  return sent(message, values, { method: 'PUT', path, headers: await matching(message, values) });
}

/** As a form, the criteria are not in the address, and so not in the logs of proxies and servers. */
function searched(query: string, { url, searchBy, version }: FhirTarget): FhirQuestion {
  const headers = { accept: askedTypes(version).json };
  if (searchBy === 'address') return { method: 'GET', url: addressOf(url, query), headers };
  const [path = '', criteria = ''] = query.split(/\?(.*)/s, 2);
  return {
    method: 'POST',
    url: addressOf(url, `${path}/_search`),
    headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
    body: inlineBody(Buffer.from(criteria)),
  };
}

/** The version to replace: the server answers 412 if it has another. */
async function matching(
  message: Message,
  { ifMatch }: FhirValues,
): Promise<Readonly<Record<string, string>>> {
  const version = (await ifMatch?.render(message))?.trim() ?? '';
  if (version === '') return {};
  if (/^[A-Za-z0-9.-]{1,64}$/.test(version)) return { 'If-Match': `W/"${version}"` };
  throw new RejectedError(
    'ifMatch does not give a version of a resource. Correct the template, or the message.',
  );
}

const isProcessed = ({ resourceType, type }: Resource): boolean =>
  resourceType === 'Bundle' && (type === 'transaction' || type === 'batch');

function idOf({ id, resourceType }: Resource): string {
  if (typeof id === 'string' && /^[A-Za-z0-9.-]{1,64}$/.test(id) && !/^\.+$/.test(id)) return id;
  throw new RejectedError(
    `The ${resourceType} has no id to update. Have the transform set one, or set query to find it.`,
  );
}

async function created(
  message: Message,
  values: FhirTarget,
  { resourceType }: Resource,
): Promise<FhirQuestion> {
  const { ifNoneExist } = values;
  const headers: Record<string, string> =
    ifNoneExist === undefined ? {} : { 'If-None-Exist': await ifNoneExist.render(message) };
  return sent(message, values, { method: 'POST', path: resourceType, headers });
}

interface Place {
  readonly method: 'POST' | 'PUT';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function sent(message: Message, { url, prefer, version }: FhirTarget, place: Place): FhirQuestion {
  const types = askedTypes(version);
  const type = isXml(message) ? types.xml : types.json;
  return {
    method: place.method,
    url: place.path === '' ? url : addressOf(url, place.path),
    headers: {
      accept: types.json,
      'content-type': `${type}; charset=utf-8`,
      prefer: `return=${prefer}`,
      ...(message.traceparent !== undefined && { traceparent: message.traceparent }),
      ...place.headers,
    },
    body: message.body,
  };
}

async function found(message: Message, { query, action }: FhirValues): Promise<string> {
  if (query === undefined) {
    throw new SuspendError(`action ${action} needs query. Set it and resend the message.`);
  }
  const path = await query.render(message);
  if (
    path
      .split(/[?#]/, 1)[0]
      ?.split('/')
      .some((part) => /^(\.|%2e){1,2}$/i.test(part)) === true
  ) {
    throw new RejectedError(
      'A value for the path of query is one or two dots, which would lead to another address. Correct the message.',
    );
  }
  return path;
}

/** The parts of a resource that decide where it goes. */
interface Resource {
  readonly resourceType: string;
  readonly id: unknown;
  /** The type of a Bundle. */
  readonly type: unknown;
}

/** Whether the body is XML: FHIR's own type, or that of any XML file. */
function isXml({ type }: Pick<Message, 'type'>): boolean {
  return /^(application\/(fhir\+)?xml|text\/xml)\b/i.test(type);
}

/**
 * Reads the body of a message. Throws a RejectedError if it is not a FHIR resource; the parser's
 * error is dropped, since it quotes the body.
 */
async function resourceOf(message: Message): Promise<Resource> {
  const bytes = await message.body.bytes();
  const { resourceType, id, type } = isXml(message) ? inXml(bytes) : inJson(bytes);
  if (typeof resourceType === 'string' && /^[A-Z][A-Za-z]{1,63}$/.test(resourceType)) {
    return { resourceType, id, type };
  }
  throw new RejectedError(
    'The body has no resourceType, so it is not a FHIR resource. Check the transform.',
  );
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

type FoundFields = Partial<Record<keyof Resource, unknown>>;

function inJson(bytes: Uint8Array): FoundFields {
  try {
    return Object(JSON.parse(UTF8.decode(bytes))) as FoundFields;
  } catch {
    throw new RejectedError(
      'The body is not JSON, so it is not a FHIR resource. Have a transform make one; XML must have a type such as application/fhir+xml.',
    );
  }
}

function inXml(bytes: Uint8Array): FoundFields {
  try {
    const document = documentOf(bytes, { type: 'application/xml' });
    const valueOf = (name: string): string | undefined =>
      document.get(`/*/${name}/@value`) || undefined;
    return {
      resourceType: document.get('local-name(/*)'),
      id: valueOf('id'),
      type: valueOf('type'),
    };
  } catch {
    throw new RejectedError(
      'The body is not XML, so it is not a FHIR resource, although its type says so. Correct the type, or have a transform make one.',
    );
  }
}
