import httpOut from '../../../adapters/http/http-out.ts';
import { SECRET_MARKER } from '../../contract/marker.ts';
import { describeOutbound, type OutboundPeer } from '../../contract/outbound.contract.ts';
import { certificates } from '../../support/certificates.ts';
import { webServer } from '../../support/web-server.ts';

/** A REST endpoint over HTTPS that wants a user and a password. */
async function peer(): Promise<OutboundPeer> {
  const files = await certificates();
  const { certificate: cert, key } = files.server;
  const held: PromiseWithResolvers<void>[] = [];
  let refusal: number | undefined;
  let holding = false;
  const expected = `Basic ${Buffer.from(`hub:${SECRET_MARKER}`).toString('base64')}`;
  const taken: Buffer[] = [];
  const server = await webServer(
    async ({ method, headers, body }) => {
      if (headers.authorization !== expected) {
        return { status: 401, headers: { 'www-authenticate': 'Basic realm="lab"' } };
      }
      if (method !== 'POST') return { status: 405 };
      if (refusal !== undefined) return { status: refusal };
      if (holding) {
        const gate = Promise.withResolvers<void>();
        held.push(gate);
        await gate.promise;
      }
      taken.push(body);
      return { status: 201 };
    },
    { tls: { cert, key } },
  );
  const release = (): void => {
    holding = false;
    for (const gate of held.splice(0)) gate.resolve();
  };
  return {
    given: {
      url: `${server.url}/results`,
      tls: { trust: files.trust },
      credential: 'account',
      timeout: '5s',
    },
    options: {
      credentials: { account: { kind: 'basic', user: 'hub', password: SECRET_MARKER } },
    },
    received: () => taken,
    hold() {
      holding = true;
    },
    release,
    refuse(how) {
      refusal = how === 'temporary' ? 503 : 422;
    },
    breakDown: () => server.stop(),
    repair: () => server.start(),
    async [Symbol.asyncDispose]() {
      release();
      await server[Symbol.asyncDispose]();
      await files[Symbol.asyncDispose]();
    },
  };
}

describeOutbound(httpOut, {
  peer,
  refusals: { temporary: { code: '503' }, final: { code: '422' } },
});
