import { type Lent, type Message, type OpenOutbound, outbound, type Reply } from 'waybill/adapter';
import { HttpClient } from 'waybill/peer';
import { fhirReply } from './fhir-reply.ts';
import { fhirRequest } from './fhir-request.ts';
import { fhirSettings } from './fhir-settings.ts';
import { tryFhir } from './fhir-test.ts';
import { searchPages } from './search-pages.ts';

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
