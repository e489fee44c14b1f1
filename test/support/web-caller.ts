import { request } from 'undici';
import { freePort } from '../../sandbox/free-port.ts';
import type { InboundPeer } from '../contract/inbound.contract.ts';

interface WebCall {
  /** The settings of the service besides `listen`. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly credentials: NonNullable<NonNullable<InboundPeer['options']>['credentials']>;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: (offered: Buffer) => string | Buffer;
  /** The status of the answer to a message that is stored. */
  readonly stored: number;
}

/** A caller of a service that answers over HTTP, for the contract of inbound adapters. */
export async function webCaller(call: WebCall): Promise<InboundPeer> {
  const port = await freePort();
  const calls = new AbortController();
  const given = { ...call.settings, listen: `127.0.0.1:${port}` };
  return {
    given,
    options: { credentials: call.credentials },
    async offer(body) {
      let standing: 'waiting' | 'taken' | 'again' = 'waiting';
      const asked = request(`http://127.0.0.1:${port}${call.path}`, {
        method: 'POST',
        headers: { ...call.headers, connection: 'close' },
        body: call.body(body),
        signal: calls.signal,
      });
      const answered = async (): Promise<void> => {
        const answer = await asked;
        await answer.body.dump();
        standing = answer.statusCode === call.stored ? 'taken' : 'again';
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
