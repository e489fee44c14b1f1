import { request } from 'undici';
import soapIn from '../../../adapters/soap/soap-in.ts';
import { freePort } from '../../../sandbox/free-port.ts';
import { describeInbound, type InboundPeer } from '../../contract/inbound.contract.ts';
import { BODY_MARKER, SECRET_MARKER } from '../../contract/marker.ts';
import { SOAP_11 } from '../../support/soap-envelope.ts';

/** A caller with a UsernameToken. */
async function peer(): Promise<InboundPeer> {
  const port = await freePort();
  const calls = new AbortController();
  const given = { listen: `127.0.0.1:${port}`, security: { users: ['hub'] } };
  const wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
  return {
    given,
    options: {
      credentials: { hub: { kind: 'basic', user: 'hub', password: SECRET_MARKER } },
    },
    async offer(body) {
      let standing: 'waiting' | 'taken' | 'again' = 'waiting';
      const token = `<w:Security xmlns:w="${wsse}"><w:UsernameToken><w:Username>hub</w:Username><w:Password>${SECRET_MARKER}</w:Password></w:UsernameToken></w:Security>`;
      const asked = request(`http://127.0.0.1:${port}/orders`, {
        method: 'POST',
        headers: { 'content-type': 'text/xml', connection: 'close' },
        body: `<S:Envelope xmlns:S="${SOAP_11}"><S:Header>${token}</S:Header><S:Body>${String(body)}</S:Body></S:Envelope>`,
        signal: calls.signal,
      });
      const answered = async (): Promise<void> => {
        const answer = await asked;
        await answer.body.dump();
        standing = answer.statusCode === 200 ? 'taken' : 'again';
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

describeInbound(soapIn, {
  peer,
  body: (id) => Buffer.from(`<order id="${id}">${BODY_MARKER}</order>`),
});
