import soapOut from '../../../adapters/soap/soap-out.ts';
import { BODY_MARKER, SECRET_MARKER } from '../../contract/marker.ts';
import { describeOutbound, type OutboundPeer } from '../../contract/outbound.contract.ts';
import { soapAnswer, soapFault } from '../../support/soap-envelope.ts';
import { webServer } from '../../support/web-server.ts';

/** A service that takes what stands in the body, from a user with a token in the header. */
async function peer(): Promise<OutboundPeer> {
  const held: PromiseWithResolvers<void>[] = [];
  let refusal: 'temporary' | 'final' | undefined;
  let holding = false;
  const release = (): void => {
    holding = false;
    for (const gate of held.splice(0)) gate.resolve();
  };
  const taken: Buffer[] = [];
  const server = await webServer(async ({ body }) => {
    const text = body.toString();
    const [, payload = ''] = /<soap:Body>(.*)<\/soap:Body>/s.exec(text) ?? [];
    if (!text.includes('<wsse:Username>hub<')) return soapFault('wsse:FailedAuthentication', 'no');
    if (refusal !== undefined)
      return soapFault(refusal === 'final' ? 'S:Client' : 'S:Server', 'no');
    if (holding) {
      const gate = Promise.withResolvers<void>();
      held.push(gate);
      await gate.promise;
    }
    taken.push(Buffer.from(payload));
    return soapAnswer('<ok/>');
  });
  return {
    given: { url: server.url, security: { username: 'hub' }, timeout: '5s' },
    options: {
      credentials: { hub: { kind: 'basic', user: 'hub', password: SECRET_MARKER } },
    },
    received: () => taken,
    hold() {
      holding = true;
    },
    release,
    refuse(how) {
      refusal = how;
    },
    breakDown: () => server.stop(),
    repair: () => server.start(),
    async [Symbol.asyncDispose]() {
      release();
      await server[Symbol.asyncDispose]();
    },
  };
}

describeOutbound(soapOut, {
  peer,
  body: (id) => Buffer.from(`<order id="${id}">${BODY_MARKER}</order>`),
  refusals: { temporary: { code: 'Server' }, final: { code: 'Client' } },
  gaps: { large: 'its body of random bytes is no XML; see hardening.test.ts' },
});
