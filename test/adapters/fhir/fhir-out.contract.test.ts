import fhirOut from '../../../adapters/fhir/fhir-out.ts';
import { BODY_MARKER, SECRET_MARKER } from '../../contract/marker.ts';
import { describeOutbound, type OutboundPeer } from '../../contract/outbound.contract.ts';
import { fhirServer, outcome } from '../../support/fhir-server.ts';

const patient = (id: string): Buffer =>
  Buffer.from(
    JSON.stringify({
      resourceType: 'Patient',
      name: [{ family: BODY_MARKER }],
      identifier: [{ value: id }],
    }),
  );

async function peer(): Promise<OutboundPeer> {
  const server = await fhirServer();
  const held: PromiseWithResolvers<void>[] = [];
  let refusal: 'temporary' | 'final' | undefined;
  let holding = false;
  const release = (): void => {
    holding = false;
    for (const gate of held.splice(0)) gate.resolve();
  };
  const taken: Buffer[] = [];
  server.gate = async ({ method, headers, body }) => {
    if (headers.authorization !== `Bearer ${SECRET_MARKER}`)
      return outcome(401, 'login', 'no token');
    if (method !== 'POST') return undefined;
    if (refusal !== undefined)
      return refusal === 'final' ? outcome(422, 'value', 'bad') : outcome(503, 'transient', 'busy');
    if (holding) {
      const gate = Promise.withResolvers<void>();
      held.push(gate);
      await gate.promise;
    }
    taken.push(body);
    return undefined;
  };
  return {
    given: { url: server.url, credential: 'ehr', timeout: '5s' },
    options: {
      credentials: { ehr: { kind: 'bearer', token: async () => SECRET_MARKER } },
    },
    received: () => taken,
    hold() {
      holding = true;
    },
    release,
    refuse(how) {
      refusal = how;
    },
    breakDown: () => server.web.stop(),
    repair: () => server.web.start(),
    async [Symbol.asyncDispose]() {
      release();
      await server[Symbol.asyncDispose]();
    },
  };
}

describeOutbound(fhirOut, {
  peer,
  body: patient,
  refusals: { temporary: { code: '503' }, final: { code: '422' } },
  gaps: { large: 'its body of random bytes is no FHIR resource; see fhir-out.test.ts' },
});
