import httpIn from '../../../adapters/http/http-in.ts';
import { describeInbound } from '../../contract/inbound.contract.ts';
import { SECRET_MARKER } from '../../contract/marker.ts';
import { webCaller } from '../../support/web-caller.ts';

describeInbound(httpIn, {
  // a caller with an API key who posts to a path of this service
  peer: () =>
    webCaller({
      settings: { path: '/adt', callers: { kind: 'api-key', credentials: ['key'] } },
      credentials: { key: { kind: 'bearer', token: async () => SECRET_MARKER } },
      path: '/adt',
      headers: { 'content-type': 'application/hl7-v2', 'x-api-key': SECRET_MARKER },
      body: (offered) => offered,
      stored: 202,
    }),
});
