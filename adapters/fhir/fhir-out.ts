import {
  DisableError,
  type Lent,
  type Message,
  type OpenOutbound,
  outbound,
  type Reply,
  type Step,
  StepFailure,
  type setting,
  stepFailure,
} from 'waybill/adapter';
import { type HttpAnswer, HttpClient, placeOfUrl, tryHttp } from 'waybill/peer';
import { fhirReply, jsonOf } from './fhir-reply.ts';
import { below, fhirRequest } from './fhir-request.ts';
import { fhirSettings } from './fhir-settings.ts';

export default outbound({
  type: 'fhir-out',
  title: 'FHIR, sending and searching',
  summary: 'Creates, updates, processes or searches resources on a FHIR server.',
  settings: fhirSettings,
  replies: {
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
  open: (lent) => openFhir(lent),
  test: (lent, step) => tryFhir(lent, step),
});

async function openFhir(lent: Lent<typeof fhirSettings>): Promise<OpenOutbound> {
  const { settings } = lent;
  const client = await HttpClient.open(lent, settings);
  const sending = new Set<Promise<unknown>>();
  const sent = async (message: Message, signal: AbortSignal): Promise<Reply> => {
    const question = await fhirRequest(message, settings);
    const first = await client.ask({ ...question, signal });
    if (settings.action !== 'search') return fhirReply(first);
    const { accept = '' } = question.headers;
    const ask = (url: URL): ReturnType<HttpClient['ask']> =>
      client.ask({ method: 'GET', url, headers: { accept }, signal });
    return fhirReply(await searchPages(first, settings, ask));
  };
  return {
    async send(message, signal) {
      signal.throwIfAborted();
      const one = sent(message, signal);
      sending.add(one);
      try {
        return await one;
      } finally {
        sending.delete(one);
      }
    },
    async close() {
      await Promise.allSettled(sending);
      await client.close();
    },
  };
}

type Trying = Lent<typeof fhirSettings>;

/**
 * The steps of a web client against the server's capability statement, what it says, and whether a
 * search is allowed.
 */
async function tryFhir(lent: Trying, step: Step): Promise<void> {
  const { settings } = lent;
  const headers = { accept: 'application/fhir+json' };
  const described = await tryHttp(lent, step, {
    values: settings,
    trial: { url: below(settings.url, 'metadata'), method: 'GET', headers, exact: true },
  });
  await step('FHIR', (detail) => detail(serverText(described)));
  const [, type] = /^([A-Z][A-Za-z]+)(?=[?/]|$)/.exec(settings.query?.source ?? '') ?? [];
  if (type === undefined) return;
  await step('search', async (detail) => {
    const client = await HttpClient.open(lent, settings);
    try {
      const url = below(settings.url, `${type}?_summary=count`);
      const answer = await client.ask({ method: 'GET', url, headers, signal: lent.signal });
      detail(searched(answer, type));
    } catch (error) {
      throw stepFailure(error);
    } finally {
      await client.close();
    }
  });
}

function serverText({ body }: HttpAnswer): string {
  const { resourceType, fhirVersion, software } = Object(jsonOf(body)) as Record<string, unknown>;
  if (resourceType !== 'CapabilityStatement') {
    throw new StepFailure(
      'the server does not describe itself as a FHIR server at /metadata',
      'Correct url: it is the base address, before the type of resource',
    );
  }
  const { name } = Object(software) as { name?: unknown };
  const product = typeof name === 'string' ? `, ${name.slice(0, 60)}` : '';
  return `FHIR ${typeof fhirVersion === 'string' ? fhirVersion.slice(0, 20) : '(unknown version)'}${product}`;
}

function searched(answer: HttpAnswer, type: string): string {
  if (answer.status < 300) return `searching for ${type} is allowed`;
  const { text } = fhirReply(answer);
  throw new StepFailure(
    `a search for ${type} is answered with ${answer.status}${text === undefined ? '' : `: ${text.slice(0, 200)}`}`,
    answer.status === 403
      ? `Have the scope for reading ${type} granted, and request it in the credential`
      : 'Check the credential and what the server supports',
  );
}

interface Bundle {
  readonly resourceType: 'Bundle';
  readonly link?: readonly { readonly relation?: unknown; readonly url?: unknown }[];
  readonly entry?: readonly unknown[];
}

type Paging = Pick<setting.ValuesOf<typeof fhirSettings>, 'pages'>;

/**
 * All pages of a search in one Bundle, in order. It keeps the link to the next page if there were
 * more than `pages`. An answer that is not a Bundle, or a refusal on the way, is returned
 * unchanged.
 */
async function searchPages(
  first: HttpAnswer,
  { pages }: Paging,
  ask: (url: URL) => Promise<HttpAnswer>,
): Promise<HttpAnswer> {
  const start = bundleOf(first);
  let next = start && nextOf(start, first.url);
  if (start === undefined || next === undefined) return first;
  const entries = [...(start.entry ?? [])];
  let last = start;
  for (let page = 2; next !== undefined && page <= pages; page++) {
    const answer = await ask(next);
    const bundle = bundleOf(answer);
    if (answer.status >= 300 || bundle === undefined) return answer;
    entries.push(...(bundle.entry ?? []));
    last = bundle;
    next = nextOf(bundle, answer.url);
  }
  const whole = {
    ...start,
    link: last.link?.filter(({ relation }) => relation === 'next'),
    entry: entries,
  };
  return { ...first, body: Buffer.from(JSON.stringify(whole)) };
}

function bundleOf({ status, body }: HttpAnswer): Bundle | undefined {
  if (status >= 300) return undefined;
  const resource = jsonOf(body);
  const { resourceType } = Object(resource) as { resourceType?: unknown };
  return resourceType === 'Bundle' ? (resource as Bundle) : undefined;
}

/** The token is sent only to the server of the search, whatever a link says. */
function nextOf({ link = [] }: Bundle, from: URL): URL | undefined {
  const url = link.find(({ relation }) => relation === 'next')?.url;
  if (typeof url !== 'string' || !URL.canParse(url, from)) return undefined;
  const next = new URL(url, from);
  if (next.origin === from.origin) return next;
  throw new DisableError(
    `The next page of a search is at ${placeOfUrl(next)}, not at ${placeOfUrl(from)}. It is not followed, since the sign-in is only for the latter: have the server use the name it is called by in its links.`,
  );
}
