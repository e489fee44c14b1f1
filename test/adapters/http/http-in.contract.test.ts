import { request } from 'undici';
import httpIn from '../../../adapters/http/http-in.ts';
import { freePort } from '../../../sandbox/free-port.ts';
import { describeInbound, type InboundPeer } from '../../contract/inbound.contract.ts';
import { SECRET_MARKER } from '../../contract/marker.ts';

/** A caller with an API key who posts to a path of this service. */
async function peer(): Promise<InboundPeer> {
  const port = await freePort();
  const calls = new AbortController();
  const given = {
    listen: `127.0.0.1:${port}`,
    path: '/adt',
    callers: { kind: 'api-key', credentials: ['key'] },
  };
  return {
    given,
    options: { credentials: { key: { kind: 'bearer', token: async () => SECRET_MARKER } } },
    async offer(body) {
      let standing: 'waiting' | 'taken' | 'again' = 'waiting';
      const asked = request(`http://127.0.0.1:${port}/adt`, {
        method: 'POST',
        headers: {
          'content-type': 'application/hl7-v2',
          'x-api-key': SECRET_MARKER,
          connection: 'close',
        },
        body,
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

describeInbound(httpIn, { peer });
