import { HttpClient, inFlight, type Lent, type OpenOutbound, outbound } from 'waybill/adapter';
import { fhirReply } from './fhir-reply.ts';
import { fhirRequest } from './fhir-request.ts';
import { fhirSettings } from './fhir-settings.ts';
import { tryFhir } from './fhir-test.ts';
import { searchPages } from './search-pages.ts';

const GRACE = 1_000;

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
  const work = inFlight();
  return {
    send(message, operation) {
      const signal = AbortSignal.any([operation, lent.signal]);
      return work.until(signal, async () => {
        const question = await fhirRequest(message, settings);
        const first = await client.ask({ ...question, signal });
        if (settings.action !== 'search') return fhirReply(first);
        const ask = (url: URL): ReturnType<HttpClient['ask']> =>
          client.ask({ ...question, url, signal });
        return fhirReply(await searchPages(first, settings, ask));
      });
    },
    async close() {
      await work.ended(GRACE);
      await client.close();
    },
  };
}
