import { request } from 'undici';
import fhirIn from '../../../adapters/fhir/fhir-in.ts';
import { freePort } from '../../../sandbox/free-port.ts';
import { describeInbound, type InboundPeer } from '../../contract/inbound.contract.ts';
import { SECRET_MARKER } from '../../contract/marker.ts';

const resource = (body: Uint8Array): string =>
  JSON.stringify({
    resourceType: 'Basic',
    code: { text: Buffer.from(body).toString('base64') },
  });

/** A caller with an API key who creates resources. */
async function peer(): Promise<InboundPeer> {
  const port = await freePort();
  const calls = new AbortController();
  const given = {
    listen: `127.0.0.1:${port}`,
    answer: 'stored',
    deliver: 'resource',
    callers: { kind: 'api-key', credentials: ['key'] },
  };
  return {
    given,
    options: { credentials: { key: { kind: 'bearer', token: async () => SECRET_MARKER } } },
    async offer(body) {
      let standing: 'waiting' | 'taken' | 'again' = 'waiting';
      const asked = request(`http://127.0.0.1:${port}/fhir/Basic`, {
        method: 'POST',
        headers: {
          'content-type': 'application/fhir+json',
          'x-api-key': SECRET_MARKER,
          connection: 'close',
        },
        body: resource(body),
        signal: calls.signal,
      });
      const answered = async (): Promise<void> => {
        const answer = await asked;
        await answer.body.dump();
        standing = answer.statusCode === 202 ? 'taken' : 'again';
      };
      answered().catch(() => {
        standing = 'again';
      });
      return { standing: () => standing };
    },
    async breakDown() {
      given.listen = '203.0.113.1:8080';
    },
    async [Symbol.asyncDispose]() {
      calls.abort();
    },
  };
}

describeInbound(fhirIn, { peer, delivered: (body) => Buffer.from(resource(body)) });
