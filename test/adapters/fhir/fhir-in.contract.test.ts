import fhirIn from '../../../adapters/fhir/fhir-in.ts';
import { describeInbound } from '../../contract/inbound.contract.ts';
import { SECRET_MARKER } from '../../contract/marker.ts';
import { webCaller } from '../../support/web-caller.ts';

const resource = (body: Uint8Array): string =>
  JSON.stringify({
    resourceType: 'Basic',
    code: { text: Buffer.from(body).toString('base64') },
  });

describeInbound(fhirIn, {
  // a caller with an API key who creates resources
  peer: () =>
    webCaller({
      settings: {
        answer: 'stored',
        deliver: 'resource',
        callers: { kind: 'api-key', credentials: ['key'] },
      },
      credentials: { key: { kind: 'bearer', token: async () => SECRET_MARKER } },
      path: '/fhir/Basic',
      headers: { 'content-type': 'application/fhir+json', 'x-api-key': SECRET_MARKER },
      body: resource,
      stored: 202,
    }),
  delivered: (body) => Buffer.from(resource(body)),
});
